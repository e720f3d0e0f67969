#pragma once

#include "core/task_header.hpp"

namespace reactorlab {

/// FIFO of tasks, linked by TaskHeader::next. Unsynchronised.
class TaskQueue {
 public:
  TaskQueue() noexcept = default;
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;

  bool empty() const noexcept { return head_ == nullptr; }

  void push(TaskHeader& task) noexcept {
    task.next = nullptr;
    *tail_ = &task;
    tail_ = &task.next;
  }

  void push_front(TaskHeader& task) noexcept {
    task.next = head_;
    head_ = &task;
    if (!task.next) tail_ = &task.next;
  }

  /// nullptr if there is none.
  TaskHeader* pop() noexcept {
    TaskHeader* const task = head_;
    if (!task) return nullptr;
    head_ = task->next;
    if (!head_) tail_ = &head_;
    return task;
  }

 private:
  TaskHeader* head_ = nullptr;
  TaskHeader** tail_ = &head_;
};

}  // namespace reactorlab
