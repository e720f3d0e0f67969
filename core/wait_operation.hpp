#pragma once
// What events and channels have in common: an operation that waits for another task instead of a descriptor.

#include <coroutine>

#include "core/task.hpp"

namespace reactorlab {

/// Operation supplies, both noexcept:
///   bool try_now()   finishes at once if it can; true: finished
///   bool progress()  the same, and if it has to wait it leaves a waker of task() behind. Also called at every later
///   wake,
///                    spurious ones included, so it looks again at what it waits for. true: finished
/// Spends the task's budget like every leaf, but before it takes anything: nothing is lost if it is destroyed while it
/// yields.
template <class Operation>
class WaitOperation {
 public:
  WaitOperation(const WaitOperation&) = delete;
  WaitOperation& operator=(const WaitOperation&) = delete;

  bool await_ready() const noexcept { return false; }

  template <TaskPromise Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    task_ = frame.promise().task();
    const bool affordable = task_->spend_budget();
    if (affordable && self().try_now()) return false;
    task_->frame = frame;
    task_->operation = &self();
    task_->poll = &poll;
    if (!affordable) [[unlikely]] {
      task_->action = TaskAction::yield;  // others first; polled again afterwards
      return true;
    }
    return !self().progress();
  }

 protected:
  WaitOperation() noexcept = default;
  ~WaitOperation() = default;
  TaskHeader& task() const noexcept { return *task_; }

 private:
  Operation& self() noexcept { return static_cast<Operation&>(*this); }

  static void poll(TaskHeader& task) noexcept {
    if (static_cast<Operation*>(task.operation)->progress()) resume_frame(task);
  }

  TaskHeader* task_ = nullptr;
};

}  // namespace reactorlab
