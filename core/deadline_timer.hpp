#pragma once
// A deadline that can be moved while a task waits for it, and awaited again and again: idle time-outs, heartbeats, back-off.
// Where one sleep is enough, sleep() is smaller and takes no lock.
//
// Borrowed: moving it in place from tokio's Sleep::reset, "waiting again replaces the waiter" from its wakers.

#include <cassert>

#include "core/clock.hpp"
#include "core/leaf.hpp"
#include "core/runtime.hpp"

namespace reactorlab {

/// Members: any thread if the runtime's timers allow that (Capabilities::foreign_registration), else its own, and -EXDEV elsewhere.
/// Neither moves nor dies while a task waits. Precision as that of sleep(): never early, on an idle machine late by up to 2 ms.
template <class Rt>
class BasicDeadlineTimer {
  using Ref = typename Rt::Ref;

 public:
  /// UsageError on a thread that may not arm timers.
  explicit BasicDeadlineTimer(Rt& runtime, TimePoint deadline = TimePoint::never)
      : ref_{runtime.ref()},
        owner_{runtime.info().capabilities.foreign_registration ? nullptr : confined_executor},
        deadline_{deadline} {}
  BasicDeadlineTimer(const BasicDeadlineTimer&) = delete;
  BasicDeadlineTimer& operator=(const BasicDeadlineTimer&) = delete;
  ~BasicDeadlineTimer() { assert(!waiter_); }

  /// co_await -> IoResult: 0 once the deadline, as it is by then, has come; -ECANCELED: another task waits now instead;
  /// -ESHUTDOWN, -EXDEV as for sleep(). A deadline that has passed already lets others run first.
  auto wait() noexcept { return Wait{*this}; }

  /// Moves the deadline: earlier, later, into the past. Who waits, waits for the new one, unless it has been resumed already.
  /// 0, or why there can be no timer; then nothing has changed, or (-ESHUTDOWN) the waiter has got the same answer.
  IoResult reset(TimePoint deadline) noexcept {
    if (misplaced()) return -EXDEV;
    Waker refused;
    IoResult result;
    {
      LockGuard lock{mutex_};
      deadline_ = deadline;
      if (!waiter_ || mutated(Mutant::reset_leaves_entry)) return 0;
      ref_.stop_timer(entry_);  // out of the wheel: it has fired, or never will
      result = arm(mutated(Mutant::fired_survives_reset) ? Fired::keep : Fired::forget);
      if (!result) refused = dismiss(result);
    }
    if (refused) refused.wake();
    return result;
  }

  TimePoint deadline() const noexcept {
    LockGuard lock{mutex_};
    return deadline_;
  }

 private:
  enum class Fired : bool { keep, forget };

  class Wait {
   public:
    explicit Wait(BasicDeadlineTimer& timer) noexcept : timer_{timer} {}
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    ~Wait() {
      if (suspended_) timer_.leave(*this);
    }

    bool await_ready() const noexcept { return false; }
    template <TaskPromise Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
      task_ = frame.promise().task();
      task_->frame = frame;
      task_->operation = this;
      task_->poll = &poll;
      suspended_ = true;
      return timer_.enter(*this);
    }
    IoResult await_resume() noexcept {
      suspended_ = false;
      return result_;
    }

   private:
    friend BasicDeadlineTimer;
    static void poll(TaskHeader& task) noexcept {
      auto& wait = *static_cast<Wait*>(task.operation);
      if (wait.timer_.is_over(wait)) resume_frame(task);
    }

    BasicDeadlineTimer& timer_;
    TaskHeader* task_ = nullptr;
    IoResult result_;         // guarded by the timer's mutex while it waits
    bool suspended_ = false;  // its own task's
  };

  bool misplaced() const noexcept { return owner_ && owner_ != confined_executor; }

  /// True: `wait` stays suspended.
  bool enter(Wait& wait) noexcept {
    if (misplaced()) {
      wait.result_ = -EXDEV;
      return false;
    }
    Waker replaced;
    IoResult armed;
    {
      LockGuard lock{mutex_};
      if (deadline_ <= clock::now()) {  // who waits already has fired too
        wait.task_->poll = &resume_frame;
        wait.task_->action = TaskAction::yield;
        return true;
      }
      if (waiter_) {
        ref_.stop_timer(entry_);
        replaced = dismiss(-ECANCELED);
      }
      if (!mutated(Mutant::first_waiter_kept) || !replaced) entry_.task = wait.task_;
      waiter_ = &wait;
      armed = arm(Fired::forget);
      if (!armed) (void)dismiss(armed);
    }
    if (replaced) replaced.wake();
    return armed.ok();
  }

  /// The waiting task was polled: was it for its deadline?
  bool is_over(Wait& wait) noexcept {
    LockGuard lock{mutex_};
    if (waiter_ != &wait) return true;  // dismissed
    if (!entry_.fired.load(acquire)) return false;
    if (entry_.refused) [[unlikely]]
      wait.result_ = -ESHUTDOWN;
    waiter_ = nullptr;
    return true;
  }

  /// Destroyed while it waited.
  void leave(Wait& wait) noexcept {
    LockGuard lock{mutex_};
    if (waiter_ != &wait) return;
    ref_.stop_timer(entry_);
    waiter_ = nullptr;
  }

  // --- REQUIRES mutex_ ------------------------------------------------------------------------------------------------------

  IoResult arm(Fired fired) noexcept {
    if (fired == Fired::forget) entry_.fired.store(false, relaxed);
    return ref_.start_timer(entry_, deadline_);
  }
  /// Ends the wait of the waiter, whose entry isn't in the wheel. Its waker is for after the unlocking.
  Waker dismiss(IoResult result) noexcept {
    Wait& wait = *std::exchange(waiter_, nullptr);
    wait.result_ = result;
    return Waker{*wait.task_};
  }

  [[no_unique_address]] Ref ref_;
  const Executor* const owner_;  // of a confined runtime, whose thread is the only one
  mutable PlainMutex mutex_;     // taken before the reactor's; firing takes only that
  TimePoint deadline_;
  Wait* waiter_ = nullptr;
  Timer entry_;  // written while it isn't in the wheel
};
using DeadlineTimer = BasicDeadlineTimer<IRuntime>;

}  // namespace reactorlab
