#pragma once
// Sleepers that a test can watch, and time as timers see it.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

#include "harness/conformance/probe_task.hpp"

namespace reactorlab::conformance {

inline constexpr Duration timer_tick{static_cast<std::int64_t>(TimerWheel::tick_ns)};

/// How late a timer may fire on an idle runtime: its deadline is rounded up to a tick, and the wait to milliseconds.
inline constexpr Duration timer_tolerance = timer_tick + std::chrono::milliseconds{1};

inline Duration operator-(TimePoint later, TimePoint earlier) noexcept {
  return Duration{static_cast<std::int64_t>(nanoseconds_of(later) - nanoseconds_of(earlier))};
}

/// A deadline that is the start of a tick, so that it isn't rounded: at least that far away, and less than a tick further.
inline TimePoint whole_tick(TimePoint now, Duration away) noexcept {
  const std::uint64_t ns = nanoseconds_of(now + away) + TimerWheel::tick_ns - 1;
  return TimePoint{ns - ns % TimerWheel::tick_ns};
}

/// Bare timers of the awaiting task, as an operation would embed them. Each wake that they cause is one without reason.
struct Timers {
  Timers(IRuntime& rt, TaskHeader& task, std::size_t count) : ref{rt.ref()}, all(count) {
    for (Timer& timer : all) timer.task = &task;
  }
  void start(std::size_t i, TimePoint deadline) { EXPECT_EQ(ref.start_timer(all[i], deadline), IoResult{0}); }
  void stop(std::size_t i) { ref.stop_timer(all[i]); }

  VirtualRef ref;
  std::vector<Timer> all;
};

/// A task that sleeps. Its result is the time at which it woke.
template <class Rt>
Task<TimePoint> sleeping_until(Rt& rt, TimePoint deadline) {
  EXPECT_EQ(co_await sleep_until(rt, deadline), IoResult{0});
  co_return clock::now();
}

/// co_await: that many timers are pending. If it doesn't come to that, the test fails and goes on.
template <class Rt>
Task<> timers_are(Rt& rt, std::uint64_t count) {
  for (int tries = 0; tries < 6'000'000 && rt.stats().pending_timers != count; ++tries) co_await yield();
  EXPECT_EQ(rt.stats().pending_timers, count);
}

/// co_await: ends a task that would go on. True if it hadn't finished by then.
template <class T>
Task<bool> cancelled(JoinHandle<T>& task) {
  task.cancel();
  try {
    (void)co_await task;
  } catch (const TaskCancelled&) {
    co_return true;
  }
  co_return false;
}

/// A probe that waits for a timer of its own and counts what wakes it. `on_poll` runs at each of those polls.
class TimedProbe {
 public:
  explicit TimedProbe(
      IRuntime& rt, TimePoint deadline, std::function<void()> on_poll = [] {})
      : state_{std::make_shared<State>(rt.ref(), deadline, std::move(on_poll))},
        task_{rt, [s = state_](auto& poll) { s->start(poll); }, [s = state_](auto& poll) { s->polled(poll); }} {}

  unsigned polls() const noexcept { return state_->polls.load(); }
  /// From `on_poll`: the timer is destroyed; a new one is armed in its stead.
  void replace(TimePoint deadline) { state_->replace(deadline); }

  /// co_await: the probe's end, its timer taken out.
  Task<> end() {
    state_->over = true;
    task_.waker().wake();
    co_await task_.join();
  }

 private:
  struct State {
    State(VirtualRef r, TimePoint d, std::function<void()> p) : ref{std::move(r)}, deadline{d}, on_poll{std::move(p)} {}

    void start(ProbeTask::Poll& poll) {
      task = &poll.task();
      arm(deadline);
    }
    void polled(ProbeTask::Poll& poll) {
      if (over) {
        ref.stop_timer(*timer);
        return poll.finish();
      }
      polls.fetch_add(1);
      on_poll();
    }
    void replace(TimePoint next) {
      timer = std::make_unique<Timer>();
      arm(next);
    }
    void arm(TimePoint at) {
      timer->task = task;
      EXPECT_EQ(ref.start_timer(*timer, at), IoResult{0});
    }

    VirtualRef ref;
    const TimePoint deadline;
    const std::function<void()> on_poll;
    std::unique_ptr<Timer> timer = std::make_unique<Timer>();
    TaskHeader* task = nullptr;
    std::atomic<unsigned> polls{0};
    std::atomic<bool> over{false};
  };

  std::shared_ptr<State> state_;
  ProbeTask task_;
};

}  // namespace reactorlab::conformance
