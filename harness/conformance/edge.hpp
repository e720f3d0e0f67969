#pragma once
// Awaiting an edge itself, with no attempt that could hide that it was lost.

#include <fcntl.h>
#include <sys/eventfd.h>

#include "core/reactorlab.hpp"

namespace reactorlab::conformance {

template <Direction direction, class Handle>
class EdgeOperation : public Leaf<EdgeOperation<direction, Handle>, Handle, direction> {
 public:
  EdgeOperation(TaskHeader& task, Handle* handle) noexcept
      : Leaf<EdgeOperation<direction, Handle>, Handle, direction>{task, *handle} {
    this->begin(false);  // nothing is attempted
  }
  IoResult await_resume() const noexcept { return result_; }
  bool attempt() noexcept { return true; }
  void settle(IoResult error) noexcept { result_ = error; }

 private:
  IoResult result_;
};

/// co_await next_edge<Direction::read>(handle): until an edge of that direction; one that came before and wasn't used counts.
/// -> IoResult 0, or why the wait was refused. `handle` is whatever leaf operations accept. timeout() accepts it.
template <Direction direction, class Handle>
auto next_edge(Handle& handle) noexcept {
  return Request<EdgeOperation<direction, Handle>, Handle*>{&handle};
}

/// co_await: every edge that the kernel had to report when this was called has been dispatched. A descriptor of its own is made
/// ready behind them, and the kernel reports in the order in which descriptors became ready.
template <class Rt>
Task<> events_dispatched(Rt& rt) {
  auto last = BasicAsyncFd<Rt>::own(rt, ::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
  (void)co_await next_edge<Direction::read>(last);
}

/// co_await: that many operations are parked in the reactor. A condition that never comes is the watchdog's.
template <class Rt>
Task<> waiters_are(Rt& rt, std::uint64_t count) {
  while (rt.stats().waiters != count) co_await yield();
}

}  // namespace reactorlab::conformance
