#pragma once
// Sleeping, and giving up in time. A deadline is rounded up to the wheel's tick (2^20 ns) and the wait to milliseconds: never
// early, on an idle machine late by up to about 2 ms. Creating a sleep costs no syscall.

#include "core/clock.hpp"
#include "core/leaf.hpp"
#include "core/runtime.hpp"

namespace reactorlab {

/// -> IoResult: 0; -ESHUTDOWN if the runtime is gone; -EXDEV if this thread isn't the one that a confined runtime is confined to.
template <ReactorRef Ref>
class SleepOperation {
 public:
  SleepOperation(Ref ref, TimePoint deadline) noexcept : ref_{std::move(ref)}, deadline_{deadline} {}
  SleepOperation(SleepOperation&& other) noexcept : ref_{other.ref_}, deadline_{other.deadline_} {}  // before it is awaited
  ~SleepOperation() {
    if (parked_) ref_.stop_timer(timer_);
  }

  bool await_ready() const noexcept { return false; }
  template <TaskPromise Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    TaskHeader& task = *frame.promise().task();
    task.frame = frame;
    if (clock::has_come(deadline_)) {  // past or now: others that are ready come first, but nothing is waited for
      if (mutated(Mutant::zero_sleep_completes_inline)) return false;
      task.poll = &resume_frame;
      task.action = TaskAction::yield;
      return true;
    }
    timer_.task = &task;
    task.operation = this;
    task.poll = &poll;
    result_ = ref_.start_timer(timer_, deadline_);
    return parked_ = static_cast<bool>(result_);
  }
  IoResult await_resume() noexcept { return result_; }

 private:
  static void poll(TaskHeader& task) noexcept {
    auto& sleep = *static_cast<SleepOperation*>(task.operation);
    if (!sleep.timer_.fired.load(acquire) && !mutated(Mutant::sleep_completes_on_second_poll)) return;
    if (mutated(Mutant::sleep_completes_on_second_poll)) sleep.ref_.stop_timer(sleep.timer_);
    sleep.parked_ = false;
    if (sleep.timer_.refused) [[unlikely]]
      sleep.result_ = -ESHUTDOWN;
    resume_frame(task);
  }

  [[no_unique_address]] Ref ref_;
  TimePoint deadline_;
  Timer timer_;
  IoResult result_;
  bool parked_ = false;
};

template <class Rt>
auto sleep_until(Rt& runtime, TimePoint deadline) {
  return SleepOperation<typename Rt::Ref>{runtime.ref(), deadline};
}
template <class Rt>
auto sleep(Rt& runtime, Duration duration) {
  return sleep_until(runtime, clock::now() + duration);
}

/// Ticks at start + k * period, however long the work between takes; ticks that were missed are dropped, never bunched.
template <class Rt>
class BasicInterval {
 public:
  /// Throws UsageError unless period > 0. The first tick comes after one period.
  BasicInterval(Rt& runtime, Duration period) : runtime_{&runtime}, period_{period}, next_{clock::now() + period} {
    if (period <= Duration::zero()) throw UsageError{"an interval's period must be positive"};
  }
  /// co_await: until the next tick.
  auto tick() {
    const TimePoint now = clock::now();
    const TimePoint due = next_;
    next_ = next_ + period_;
    if (next_ <= now) {
      const std::uint64_t missed = (nanoseconds_of(now) - nanoseconds_of(next_)) / static_cast<std::uint64_t>(period_.count()) + 1;
      next_ = next_ + Duration{static_cast<std::int64_t>(missed) * period_.count()};
    }
    return sleep_until(*runtime_, due);
  }

 private:
  Rt* runtime_;
  Duration period_;
  TimePoint next_;
};
using Interval = BasicInterval<IRuntime>;

/// A leaf operation with a limit, fused into one: it parks on its descriptor and in the wheel together. Its result is the
/// operation's own, or -ETIME settled into it. If both are due in one turn the operation wins.
template <ReactorRef Ref, class Inner>
class TimeoutOperation {
 public:
  TimeoutOperation(TaskHeader& task, Ref ref, TimePoint deadline, const Inner& request) noexcept
      : ref_{std::move(ref)}, deadline_{deadline}, operation_{request.start(task)} {
    timer_.task = &task;
  }
  TimeoutOperation(const TimeoutOperation&) = delete;
  ~TimeoutOperation() {
    if (armed_) ref_.stop_timer(timer_);
  }

  bool await_ready() noexcept { return operation_.await_ready(); }
  template <TaskPromise Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    TaskHeader& task = *timer_.task;
    if (!operation_.await_suspend(frame)) return false;
    if constexpr (requires { operation_.finished(); }) {
      if (operation_.finished()) return true;  // already, but its budget was spent
    }
    task.operation = this;
    task.poll = &poll;
    const IoResult started = ref_.start_timer(timer_, deadline_);
    if (!started) operation_.withdraw(started);
    return armed_ = static_cast<bool>(started);
  }
  auto await_resume() { return operation_.await_resume(); }

 private:
  static void poll(TaskHeader& task) noexcept {
    auto& self = *static_cast<TimeoutOperation*>(task.operation);
    const bool too_late = mutated(Mutant::timer_polled_first) && self.deadline_ <= clock::now();
    if (too_late || self.operation_.progress() == Progress::parked) {
      if (!too_late && !self.timer_.fired.load(acquire)) return;
      self.operation_.withdraw(self.timer_.refused ? -ESHUTDOWN : -ETIME);
    }
    if (std::exchange(self.armed_, false)) self.ref_.stop_timer(self.timer_);
    resume_frame(task);
  }

  [[no_unique_address]] Ref ref_;
  TimePoint deadline_;
  typename Inner::OperationType operation_;
  Timer timer_;
  bool armed_ = false;
};

/// co_await timeout(runtime, 5s, stream.read(buffer))
template <class Rt, class Inner>
  requires requires { typename Inner::OperationType; }
auto timeout(Rt& runtime, Duration limit, Inner request) {
  using Ref = typename Rt::Ref;
  return Request<TimeoutOperation<Ref, Inner>, Ref, TimePoint, Inner>{runtime.ref(), clock::now() + limit, request};
}

}  // namespace reactorlab
