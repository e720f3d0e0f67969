#pragma once
// A worker's run queue: bounded, FIFO. The owner pushes and pops, anybody may steal half. After Tokio's and Go's: head is moved by
// compare-and-swap by whoever takes, tail only by the owner.

#include <cstddef>
#include <cstdint>

#include "core/sync.hpp"
#include "core/task_header.hpp"

namespace reactorlab {

class RunQueue {
 public:
  /// `none`: steal_half() is never called; then nobody but the owner moves the head, and taking a task needs no compare-and-swap.
  enum class Thieves : bool { none, some };
  explicit RunQueue(Thieves thieves) noexcept : thieves_{thieves} {}

  static constexpr std::uint32_t capacity = 512;
  static_assert((capacity & (capacity - 1)) == 0);

  /// The owner. False: full.
  bool push(TaskHeader& task) noexcept {
    const std::uint32_t tail = tail_.load(relaxed);
    if (tail - head_.load(acquire) >= capacity) [[unlikely]]
      return false;
    slots_[tail % capacity].store(&task, relaxed);
    tail_.store(tail + 1, release);  // publishes the slot to thieves
    return true;
  }

  /// The owner: pushes tasks from the list while `mine(task)` holds and there is room, and publishes them together. The rest of
  /// the list; nullptr if all went in.
  template <class Mine>
  TaskHeader* push_list(TaskHeader* list, Mine&& mine) noexcept {
    std::uint32_t tail = tail_.load(relaxed);
    const std::uint32_t limit = head_.load(acquire) + capacity;
    while (list && tail != limit && mine(*list)) {
      slots_[tail++ % capacity].store(list, relaxed);
      list = list->next;
    }
    tail_.store(tail, release);
    return list;
  }

  /// The owner. nullptr: empty.
  [[gnu::always_inline]] TaskHeader* pop() noexcept {
    std::uint32_t head = head_.load(acquire);
    if (thieves_ == Thieves::none) [[likely]] {  // head is ours alone
      if (head == tail_.load(relaxed)) return nullptr;
      TaskHeader* const task = slots_[head % capacity].load(relaxed);
      head_.store(head + 1, relaxed);
      return task;
    }
    for (;;) {
      if (head == tail_.load(relaxed)) return nullptr;
      TaskHeader* const task = slots_[head % capacity].load(relaxed);
      // head -> head + 1: the slot's task is ours. Losing: a thief took some, head is reloaded.
      if (head_.compare_exchange_weak(head, head + 1, acq_rel, acquire)) [[likely]]
        return task;
    }
  }

  /// Any other worker: takes the older half into `out`. The number taken.
  std::uint32_t steal_half(TaskHeader** out) noexcept {
    std::uint32_t head = head_.load(acquire);
    for (;;) {
      const std::uint32_t size = tail_.load(acquire) - head;
      // head is older than tail; a head that others have moved on meanwhile makes a size that can't be, and the swap fails.
      if (size == 0 || size > capacity) return 0;
      const std::uint32_t take = size - size / 2;
      for (std::uint32_t i = 0; i < take; ++i) out[i] = slots_[(head + i) % capacity].load(relaxed);
      // head -> head + take: they are ours. Losing: the owner or another thief was first; what we read may be stale.
      if (head_.compare_exchange_weak(head, head + take, acq_rel, acquire)) return take;
    }
  }

  std::uint32_t size() const noexcept {
    const std::uint32_t size = tail_.load(seq_cst) - head_.load(seq_cst);
    return size > capacity ? 0 : size;
  }
  bool full() const noexcept { return size() >= capacity; }

 private:
  alignas(64) Atomic<std::uint32_t> head_{0};
  alignas(64) Atomic<std::uint32_t> tail_{0};
  const Thieves thieves_;
  Atomic<TaskHeader*> slots_[capacity] = {};
};

}  // namespace reactorlab
