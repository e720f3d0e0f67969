#pragma once
// Waiters that a test can watch: probes parked on a handle, and ordinary tasks of which it is known that they are parked.

#include <gtest/gtest.h>

#include "harness/conformance/probe_task.hpp"
#include "harness/conformance/sync_points.hpp"

namespace reactorlab::conformance {

/// A probe parked on one direction of a handle. Counts the polls that it didn't ask for itself.
template <Direction direction, class Handle>
class ParkedProbe {
 public:
  /// `again` runs at each of those polls; true: the probe parks again, false: it waits for nothing any more.
  ParkedProbe(
      IRuntime& runtime, Handle& handle, std::function<bool()> again = [] { return false; })
      : state_{std::make_shared<State>(handle, std::move(again))},
        task_{runtime, [s = state_](auto& poll) { s->park(poll); }, [s = state_](auto& poll) { s->polled(poll); }} {}

  unsigned polls() const noexcept { return state_->polls.load(); }

  /// co_await: until it is parked for the first time.
  auto parked() noexcept { return state_->parked.wait(); }
  /// co_await: until there has been one more poll, and what it did is done.
  auto polled() noexcept { return state_->was_polled.wait(); }
  /// co_await: takes its waiter out, as an operation does that is given up.
  Task<> withdraw() {
    state_->wish = Wish::withdraw;
    task_.waker().wake();
    co_await state_->withdrawn.wait();
  }
  /// co_await: the probe's end. What had woken it before has been counted by then, or came together with this.
  Task<> end() {
    state_->wish = Wish::end;
    task_.waker().wake();
    co_await task_.join();
  }

 private:
  enum class Wish { none, withdraw, end };

  struct State {
    State(Handle& h, std::function<bool()> a) : handle{h}, again{std::move(a)} {}

    void park(ProbeTask::Poll& poll) {
      Armed armed;
      do armed = poll.template arm<direction>(handle);
      while (armed == Armed::ready);
      EXPECT_EQ(armed, Armed::parked);
      parked.set();
    }
    void leave(ProbeTask::Poll& poll) {
      if (poll.is_parked(handle, direction)) poll.disarm(handle, direction);
    }
    void polled(ProbeTask::Poll& poll) {
      switch (wish.exchange(Wish::none)) {
        case Wish::end: leave(poll); return poll.finish();
        case Wish::withdraw: leave(poll); return withdrawn.set();
        case Wish::none: break;
      }
      polls.fetch_add(1);
      if (again()) park(poll);
      was_polled.set();
    }

    Handle& handle;
    const std::function<bool()> again;
    std::atomic<Wish> wish{Wish::none};
    std::atomic<unsigned> polls{0};
    AutoResetEvent parked, was_polled, withdrawn;
  };

  std::shared_ptr<State> state_;
  ProbeTask task_;
};

/// co_await: starts a task and returns once it is parked on a descriptor. Nobody else may park meanwhile.
inline Task<JoinHandle<void>> spawn_parked(IRuntime& runtime, SyncPoints& points, Task<> task) {
  AutoResetEvent parked;
  points.at(SyncPoint::io_parked, [&] { parked.set(); });
  JoinHandle<void> join = runtime.spawn(std::move(task));
  co_await parked.wait();
  co_return std::move(join);
}

/// A stream of the runtime over a connected, non-blocking socket.
template <class Rt>
BasicTcpStream<Rt> stream_over(Rt& runtime, Fd fd) {
  auto stream = BasicTcpStream<Rt>::adopt(runtime.ref(), fd.get());
  if (stream) (void)fd.release();
  return stream.take();
}

}  // namespace reactorlab::conformance
