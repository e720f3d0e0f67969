#pragma once
// Waiters in order of arrival, linked through themselves: nothing is allocated, and one that is destroyed leaves from
// the middle.

#include "core/waker.hpp"

namespace reactorlab {

/// One waiter; part of the operation that waits. Everything in it is guarded by the lock of its queue.
struct QueuedWaiter {
  QueuedWaiter* previous = nullptr;
  QueuedWaiter* next = nullptr;
  Waker waker;
};

/// FIFO of waiters. Unsynchronised; owns nothing.
class WaitQueue {
 public:
  WaitQueue() noexcept = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  bool empty() const noexcept { return head_ == nullptr; }

  void push(QueuedWaiter& waiter) noexcept {
    waiter.previous = tail_;
    waiter.next = nullptr;
    (tail_ ? tail_->next : head_) = &waiter;
    tail_ = &waiter;
  }

  /// The oldest. REQUIRES !empty().
  QueuedWaiter& pop() noexcept {
    QueuedWaiter& oldest = *head_;
    remove(oldest);
    return oldest;
  }

  /// REQUIRES: it is in this queue.
  void remove(QueuedWaiter& waiter) noexcept {
    (waiter.previous ? waiter.previous->next : head_) = waiter.next;
    (waiter.next ? waiter.next->previous : tail_) = waiter.previous;
  }

 private:
  QueuedWaiter* head_ = nullptr;
  QueuedWaiter* tail_ = nullptr;
};

/// Wakes to be delivered once a lock is free. A handful at a time: whoever has more comes back for the rest.
class WakeHandful {
 public:
  bool full() const noexcept { return count_ == capacity; }
  /// REQUIRES !full().
  void add(Waker waker) noexcept { wakers_[count_++] = waker; }
  void deliver() noexcept {
    for (std::size_t i = 0; i < count_; ++i) wakers_[i].wake();
    count_ = 0;
  }

 private:
  static constexpr std::size_t capacity = 8;
  Waker wakers_[capacity];
  std::size_t count_ = 0;
};

}  // namespace reactorlab
