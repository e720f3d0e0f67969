#pragma once
// Type-stable memory for task headers: one reserved range of 4 GiB, so that a header is named by a 32-bit offset (the low six
// bits are free for flags) and its memory is never unmapped or used for anything else.

#include <cstddef>
#include <cstdint>

#include "core/sync.hpp"
#include "core/task_header.hpp"

namespace reactorlab {

class TaskArena {
 public:
  static constexpr std::size_t capacity_bytes = std::size_t{1} << 32;
  // In a simulation few headers exist, so that a shutdown, which looks at all of them, isn't most of a run.
  static constexpr std::size_t chunk_bytes = simulated ? 4 * 1024 : 64 * 1024;

  /// Offset 0 is never a header: it stands for "none".
  static std::uint32_t offset_of(const TaskHeader& task) noexcept {
    return static_cast<std::uint32_t>(reinterpret_cast<const std::byte*>(&task) - base_);
  }
  static TaskHeader& at(std::uint32_t offset) noexcept { return *reinterpret_cast<TaskHeader*>(base_ + offset); }

  /// A chain (by `next`) of fresh headers of that kind, dead and unowned. Any thread. Throws std::bad_alloc.
  static TaskHeader* grow(TaskKind kind);

  /// Calls visit(TaskHeader&) for every header that exists, dead or alive. Any thread; meant for shutdown and statistics.
  template <class Visit>
  static void for_each(Visit&& visit) {
    const std::size_t end = committed_.load(acquire);
    for (std::size_t offset = sizeof(TaskHeader); offset < end; offset += sizeof(TaskHeader)) {
      visit(at(static_cast<std::uint32_t>(offset)));
    }
  }

 private:
  static inline constinit std::byte* base_ = nullptr;
  static inline constinit Atomic<std::size_t> committed_{0};
};

/// Recycles headers for one thread. Not thread-safe; the overflow goes to, and comes from, a process-wide list per kind.
class HeaderPool {
 public:
  constexpr explicit HeaderPool(TaskKind kind) noexcept : kind_{kind} {}

  TaskHeader& take() {
    TaskHeader* const task = free_;
    if (!task) [[unlikely]]
      return take_slow();
    free_ = task->next;
    ++room_;
    return *task;
  }

  void put(TaskHeader& task) noexcept {
    task.next = free_;
    free_ = &task;
    if (room_-- <= 0) [[unlikely]]
      make_room();
  }

  /// Gives everything to the process-wide list (a thread or an executor ends).
  void flush() noexcept {
    if (free_) spill(0);
  }

 private:
  static constexpr std::int32_t spill_above = 8192;
  static constexpr std::int32_t keep_after_spill = 64;

  TaskHeader& take_slow();
  /// The first header that is put here, or one too many.
  void make_room() noexcept;
  void spill(std::int32_t keep) noexcept;

  TaskHeader* free_ = nullptr;
  std::int32_t room_ = 0;  // spill_above less the list's length; 0 before its first use
  TaskKind kind_;
};

/// The calling thread's pool of shared headers.
HeaderPool& shared_headers() noexcept;

/// One confined header from, or back to, the process-wide list: for threads that don't own the executor. Any thread.
TaskHeader& take_confined_header();
void put_confined_header(TaskHeader& task) noexcept;

/// Ends a header's life: later wakers of it no longer match. The caller puts it into a pool afterwards.
inline void retire(TaskHeader& task) noexcept {
  task.wakes.store(TaskHeader::dead_bit, release);
  task.executor.store(nullptr, relaxed);
  task.remote.store((task.remote.load(relaxed) & ~std::uint64_t{UINT32_MAX}) + (std::uint64_t{1} << 32), release);
}

}  // namespace reactorlab
