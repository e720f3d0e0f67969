#include "core/error.hpp"
#include "core/fd.hpp"
#include "core/mutation.hpp"
#include "core/poller.hpp"
#include "core/sys.hpp"

namespace reactorlab {
namespace {

static_assert(sizeof(Event) == sizeof(epoll_event) && offsetof(Event, token) == offsetof(epoll_event, data));

UniqueFd opened(long fd, const char* what) {
  if (fd < 0) throw_errno(static_cast<int>(-fd), what, "raise the limit of open files (ulimit -n) or close some");
  return UniqueFd{static_cast<int>(fd)};
}

class EpollPoller final : public Poller {
 public:
  ~EpollPoller() override {
    if (mutated(Mutant::kick_fd_leaked)) (void)kick_.release();
  }

  IoResult add(int fd, Token token, Interest interest) noexcept override {
    if (mutated(Mutant::high_descriptors_refused) && fd >= 1'024) return -EINVAL;
    if (mutated(Mutant::registered_with_empty_interest) && fd != kick_fd()) interest = Interest::none;
    sources_.fetch_add(1, relaxed);
    const IoResult added = control(EPOLL_CTL_ADD, fd, token, interest);
    if (!added) sources_.fetch_sub(1, relaxed);
    if (added == IoResult{-EEXIST} && mutated(Mutant::registration_replaced)) return modify(fd, token, interest);
    return added;
  }
  IoResult modify(int fd, Token token, Interest interest) noexcept override {
    if (mutated(Mutant::widen_replaces_interest)) interest = Interest::write;
    return control(EPOLL_CTL_MOD, fd, token, interest);
  }
  IoResult remove(int fd) noexcept override {
    epoll_event unused{};
    sources_.fetch_sub(1, relaxed);  // whatever the kernel says: a descriptor that was closed elsewhere is gone from the set
    return sys::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &unused);
  }

  IoResult wait(std::span<Event> events, int timeout_ms) noexcept override {
    // A glance at a set that has only the kick in it would learn nothing: tasks that compute don't pay for I/O that nobody does.
    // A source that another thread adds meanwhile is seen at the next glance.
    if (timeout_ms == 0 && sources_.load(relaxed) <= 1) return 0;
    static PlainMutex one_at_a_time;
    UniqueLock<PlainMutex> turn{one_at_a_time, std::defer_lock};
    if (mutated(Mutant::reactors_wait_in_turns)) turn.lock();
    IoResult n;
    do n = sys::epoll_wait(epoll_.get(), reinterpret_cast<epoll_event*>(events.data()), events.size(), timeout_ms);
    while (mutated(Mutant::eintr_repeats_full_wait) && n == IoResult{-EINTR});
    return n;
  }

  // Edge-triggered, an eventfd reports every write, so nobody ever has to read it.
  void kick() noexcept override {
    const std::uint64_t one = 1;
    while (sys::write(kick_.get(), &one, sizeof one) == -EINTR && !mutated(Mutant::interrupted_kick_dropped)) {
    }
  }
  int kick_fd() const noexcept override { return kick_.get(); }

 private:
  static std::uint32_t mask_of(Interest interest) noexcept {
    std::uint32_t mask = (mutated(Mutant::level_triggered) ? 0 : std::uint32_t{EPOLLET}) |
                         (mutated(Mutant::oneshot_without_rearm) ? std::uint32_t{EPOLLONESHOT} : 0);
    // EPOLLPRI because urgent data ends a read early and no second edge announces the rest (RDY-21).
    if (covers(interest, Interest::read)) mask |= EPOLLIN | EPOLLPRI | EPOLLRDHUP;
    if (covers(interest, Interest::write)) mask |= EPOLLOUT;
    return mask;
  }
  IoResult control(int command, int fd, Token token, Interest interest) noexcept {
    epoll_event event{};
    event.events = mask_of(interest);
    event.data.u64 = token;
    return sys::epoll_ctl(epoll_.get(), command, fd, &event);
  }

  Atomic<std::size_t> sources_{0};  // the kick among them
  UniqueFd epoll_ = opened(sys::epoll_create(), "epoll_create1");
  UniqueFd kick_ = opened(sys::eventfd(), "eventfd");
};

}  // namespace

std::unique_ptr<Poller> make_epoll_poller() { return std::make_unique<EpollPoller>(); }

}  // namespace reactorlab
