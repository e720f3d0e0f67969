#include "harness/conformance/turn.hpp"

#include <thread>

#include "reactorlab/homes.hpp"

namespace reactorlab::conformance {
namespace {

/// As LocalExecutor's turn does it, except that tasks are queued and not polled: the caller stands in one.
void dispatch_here() {
  struct Sink {
    void task(TaskHeader& woken) const noexcept { wake_confined(woken, *confined_executor); }
    void crowd(Registration& slot, Direction direction) const noexcept {
      WaiterList waiters;
      Reactor::take_waiters(slot, direction, waiters);
    }
  };
  Event events[Poller::batch];
  Reactor& reactor = thread_local_home::here->reactor();
  const IoResult n = reactor.poller().wait(events, 0);
  if (n) reactor.dispatch<Access::plain>(std::span<const Event>{events, n.count()}, Sink{});
}

}  // namespace

bool let_a_turn_happen(IRuntime& runtime, Script& script, int epoll) {
  if (!runtime.info().capabilities.migration) {
    dispatch_here();
    return true;
  }
  if (runtime.info().workers == 1 && runtime.executor().on_own_thread()) return false;
  // The second is taken by a wait that begins after the turn of the first, or of what came before it, has been dispatched.
  script.inject(epoll, {}, false);
  script.inject(epoll, {}, false);
  while (!script.all_taken()) std::this_thread::yield();
  return true;
}

}  // namespace reactorlab::conformance
