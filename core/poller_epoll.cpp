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
    if (mutated(Mutant::registered_with_empty_interest) && fd != kick_fd()) interest = Interest::none;
    return control(EPOLL_CTL_ADD, fd, token, interest);
  }
  IoResult modify(int fd, Token token, Interest interest) noexcept override {
    if (mutated(Mutant::widen_replaces_interest)) interest = Interest::write;
    return control(EPOLL_CTL_MOD, fd, token, interest);
  }
  IoResult remove(int fd) noexcept override {
    epoll_event unused{};
    return sys::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &unused);
  }

  IoResult wait(std::span<Event> events, int timeout_ms) noexcept override {
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

  UniqueFd epoll_ = opened(sys::epoll_create(), "epoll_create1");
  UniqueFd kick_ = opened(sys::eventfd(), "eventfd");
};

}  // namespace

std::unique_ptr<Poller> make_poller(Backend backend) {
  switch (backend) {
    case Backend::epoll: return std::make_unique<EpollPoller>();
  }
  throw UsageError{"unknown backend"};
}

}  // namespace reactorlab
