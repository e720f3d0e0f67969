#pragma once
// Wakes collected inside an exclusive section and delivered after it: taking a task's step from 0 to 1 may happen inside,
// enqueuing, running or destroying anything may not (RDY-08).

#include <cstddef>
#include <utility>

#include "core/executor.hpp"
#include "core/frame_pool.hpp"
#include "core/registration.hpp"

namespace reactorlab {

/// A detached list of further waiters; wakes and frees them when told to, outside every lock.
class WaiterList {
 public:
  WaiterList() noexcept = default;
  WaiterList(const WaiterList&) = delete;
  WaiterList& operator=(const WaiterList&) = delete;
  ~WaiterList() { wake_all(); }

  void append(Waiter& waiter) noexcept {
    waiter.next = nullptr;
    *tail_ = &waiter;
    tail_ = &waiter.next;
  }

  void wake_all() noexcept {
    Waiter* waiter = head_;
    head_ = nullptr;
    tail_ = &head_;
    while (waiter) {
      Waiter* const next = waiter->next;
      const Waker waker = waiter->waker;
      FramePool::deallocate(waiter, sizeof(Waiter));
      waker.wake();
      waiter = next;
    }
  }

 private:
  Waiter* head_ = nullptr;
  Waiter** tail_ = &head_;
};

/// Shared tasks whose step was taken, linked by TaskHeader::next, and further waiters.
class WakeBatch {
 public:
  /// Takes the task's step if it is there to be taken. Inside the exclusive section.
  void take(TaskHeader& task) noexcept {
    if (task.wakes.fetch_add(1, acq_rel) != 0) {
      ++suppressed_;
      return;
    }
    *tail_ = &task;  // its own link is set by the next one, or when the batch is taken
    tail_ = &task.next;
    ++size_;
  }
  /// The same for a task that may be confined to a thread of another runtime. `publish()` tells its operation that it may end.
  template <class Publish>
  void take_any(TaskHeader& task, Publish&& publish) noexcept {
    if (task.kind == TaskKind::shared) [[likely]] {
      publish();
      return take(task);  // whoever polls it from here on finds what was published
    }
    const Waker waker{task};
    void* const memory = FramePool::try_allocate(sizeof(Waiter));
    publish();                         // now the task may end; the waker is its own life's
    if (!memory) return waker.wake();  // inside the section after all: it gets no further than an inbox
    waiters_.append(*new (memory) Waiter{nullptr, waker, Direction::read});
  }
  WaiterList& waiters() noexcept { return waiters_; }

  std::size_t size() const noexcept { return size_; }
  std::size_t suppressed() const noexcept { return suppressed_; }

  /// Outside the section: the tasks as a list, in order. The further waiters stay for deliver() or the destructor.
  TaskHeader* release_tasks() noexcept {
    *tail_ = nullptr;
    tail_ = &head_;
    size_ = 0;
    return std::exchange(head_, nullptr);
  }

  /// Outside the section: enqueue(TaskHeader&) for each task, in order.
  template <class Enqueue>
  void deliver(Enqueue&& enqueue) noexcept {
    TaskHeader* task = release_tasks();
    while (task) {
      TaskHeader* const next = task->next;
      enqueue(*task);
      task = next;
    }
    waiters_.wake_all();
  }
  /// The same on a thread that isn't a worker: each task to its own executor.
  void deliver_anywhere() noexcept {
    deliver([](TaskHeader& task) { task.executor.load(acquire)->enqueue(task); });
  }

 private:
  TaskHeader* head_ = nullptr;
  TaskHeader** tail_ = &head_;
  std::size_t size_ = 0;
  std::size_t suppressed_ = 0;
  WaiterList waiters_;
};

}  // namespace reactorlab
