#include "core/poller_epoll.hpp"

#include "core/error.hpp"
#include "core/sys.hpp"

namespace reactorlab {
namespace {

static_assert(sizeof(Event) == sizeof(epoll_event) && offsetof(Event, token) == offsetof(epoll_event, data));

UniqueFd opened(long fd, const char* what) {
  if (fd < 0) throw_errno(static_cast<int>(-fd), what, "raise the limit of open files (ulimit -n) or close some");
  return UniqueFd{static_cast<int>(fd)};
}

}  // namespace

EpollPoller::EpollPoller(std::uint32_t trigger)
    : trigger_{trigger}, epoll_{opened(sys::epoll_create(), "epoll_create1")}, kick_{opened(sys::eventfd(), "eventfd")} {}

EpollPoller::~EpollPoller() {
  if (mutated(Mutant::kick_fd_leaked)) (void)kick_.release();
}

IoResult EpollPoller::add(int fd, Token token, Interest interest) noexcept {
  if (mutated(Mutant::high_descriptors_refused) && fd >= 1'024) return -EINVAL;
  if (mutated(Mutant::registered_with_empty_interest) && fd != kick_fd()) interest = Interest::none;
  sources_.fetch_add(1, relaxed);
  const IoResult added = control(EPOLL_CTL_ADD, fd, token, interest);
  if (!added) sources_.fetch_sub(1, relaxed);
  if (added == IoResult{-EEXIST} && mutated(Mutant::registration_replaced)) return modify(fd, token, interest);
  return added;
}

IoResult EpollPoller::modify(int fd, Token token, Interest interest) noexcept {
  if (mutated(Mutant::widen_replaces_interest)) interest = Interest::write;
  return control(EPOLL_CTL_MOD, fd, token, interest);
}

IoResult EpollPoller::remove(int fd) noexcept {
  epoll_event unused{};
  sources_.fetch_sub(1, relaxed);  // whatever the kernel says: a descriptor that was closed elsewhere is gone from the set
  return sys::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &unused);
}

IoResult EpollPoller::wait(std::span<Event> events, int timeout_ms) noexcept {
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
void EpollPoller::kick() noexcept {
  const std::uint64_t one = 1;
  while (sys::write(kick_.get(), &one, sizeof one) == -EINTR && !mutated(Mutant::interrupted_kick_dropped)) {
  }
}

std::uint32_t EpollPoller::mask_of(int fd, Interest interest) const noexcept {
  std::uint32_t mask = fd == kick_fd() ? std::uint32_t{EPOLLET} : trigger_;
  if (mutated(Mutant::level_triggered)) mask = 0;
  if (mutated(Mutant::oneshot_without_rearm)) mask |= EPOLLONESHOT;
  // EPOLLPRI because urgent data ends a read early and no second edge announces the rest (RDY-21).
  if (covers(interest, Interest::read)) mask |= EPOLLIN | EPOLLPRI | EPOLLRDHUP;
  if (covers(interest, Interest::write)) mask |= EPOLLOUT;
  return mask;
}

IoResult EpollPoller::control(int command, int fd, Token token, Interest interest) noexcept {
  epoll_event event{};
  event.events = mask_of(fd, interest);
  event.data.u64 = token;
  return sys::epoll_ctl(epoll_.get(), command, fd, &event);
}

std::unique_ptr<Poller> make_epoll_poller() { return std::make_unique<EpollPoller>(std::uint32_t{EPOLLET}); }

}  // namespace reactorlab
