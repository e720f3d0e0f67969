#pragma once
// Child tasks of the current task, waited for together. What combinators are made of.

#include <coroutine>
#include <cstddef>
#include <vector>

#include "core/join.hpp"
#include "core/leaf.hpp"
#include "core/task.hpp"

namespace reactorlab {

/// co_await current_task(): the header of the task that runs this. Never suspends.
class CurrentTask {
 public:
  bool await_ready() const noexcept { return false; }
  template <TaskPromise Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    task_ = frame.promise().task();
    return false;
  }
  TaskHeader& await_resume() const noexcept { return *task_; }

 private:
  TaskHeader* task_ = nullptr;
};
inline CurrentTask current_task() noexcept { return {}; }

/// The children of one task, joined by their numbers in the order of starting. Destroyed before it has seen all their
/// ends (the parent was cancelled, or threw), it cancels the rest. The join handles are somebody else's and outlive it.
/// Only the parent touches it.
class Children {
 public:
  Children(TaskHeader& parent, std::size_t expected) : parent_{parent} {
    tasks_.reserve(expected);
    running_.reserve(expected);
  }
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  ~Children();

  /// Starts a child on the parent's executor.
  template <class T>
  JoinHandle<T> start(Task<T> task) {
    tasks_.push_back(nullptr);  // room first: once it runs nothing may fail
    running_.push_back(tasks_.size() - 1);
    try {
      JoinHandle<T> child = spawn_on(*parent_.executor.load(relaxed), std::move(task));
      join_with(*child.header());
      return child;
    } catch (...) {
      running_.pop_back();
      throw;
    }
  }

  bool empty() const noexcept { return running_.empty(); }

  /// Their ends come still, and are to be waited for.
  void cancel_all() noexcept;

  /// co_await: until a child has ended that hadn't been seen yet. -> IoResult, its number. Looks at all of them at
  /// every wake. Can be given to timeout(). REQUIRES !empty().
  auto next_end() noexcept { return Request<NextEnd, Children*>{this}; }

  /// Waits for all of them. The first that fails, by an exception or because it was cancelled, ends the others; what it
  /// failed with is thrown once the last of them is gone.
  Task<> all_ended();

 private:
  class NextEnd {
   public:
    NextEnd(TaskHeader&, Children* children) noexcept : children_{*children} {}
    NextEnd(const NextEnd&) = delete;
    bool await_ready() noexcept { return children_.take_ended(result_); }
    template <TaskPromise Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
      // An end that comes meanwhile wakes us, since each child was joined as it started: we are polled once more.
      TaskHeader& task = *frame.promise().task();
      task.frame = frame;
      task.operation = this;
      task.poll = &poll;
      return true;
    }
    IoResult await_resume() const noexcept { return result_; }

    // For timeout().
    Progress progress() noexcept { return children_.take_ended(result_) ? Progress::finished : Progress::parked; }
    void withdraw(IoResult error) noexcept { result_ = error; }

   private:
    static void poll(TaskHeader& task) noexcept {
      if (static_cast<NextEnd*>(task.operation)->progress() == Progress::finished) resume_frame(task);
    }
    Children& children_;
    IoResult result_;
  };

  void join_with(TaskHeader& child) noexcept;
  bool take_ended(IoResult& number) noexcept;

  TaskHeader& parent_;
  std::vector<TaskHeader*> tasks_;    // by number
  std::vector<std::size_t> running_;  // the numbers of those whose end hasn't been seen, in order
};

}  // namespace reactorlab
