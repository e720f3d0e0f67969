#include "core/task_arena.hpp"

#include <new>

#include "core/immortal.hpp"
#include "core/sys.hpp"
#include "core/thread_exit.hpp"

namespace reactorlab {
namespace {

struct OverflowList {
  PlainMutex mutex;
  TaskHeader* head = nullptr;  // guarded by mutex
};

OverflowList& overflow_of(TaskKind kind) noexcept {
  static constinit Immortal<OverflowList> confined, shared;
  return (kind == TaskKind::confined ? confined : shared).get();
}

constinit thread_local HeaderPool thread_pool{TaskKind::shared};

void flush_thread_pool() noexcept { thread_pool.flush(); }

}  // namespace

TaskHeader* TaskArena::grow(TaskKind kind) {
  static constinit Immortal<PlainMutex> mutex;
  LockGuard lock{mutex.get()};
  if (!base_) {
    base_ = static_cast<std::byte*>(sys::reserve_addresses(capacity_bytes));
    if (!base_) throw std::bad_alloc{};
  }
  const std::size_t begin = committed_.load(relaxed);
  // Not the last chunk: readiness::others names no task.
  if (begin + 2 * chunk_bytes > capacity_bytes || !sys::commit_memory(base_ + begin, chunk_bytes)) throw std::bad_alloc{};

  TaskHeader* chain = nullptr;
  for (std::size_t offset = begin + chunk_bytes; offset > begin;) {
    offset -= sizeof(TaskHeader);
    auto* const task = new (base_ + offset) TaskHeader;
    task->kind = kind;
    if (offset == 0) break;  // "none"
    task->next = chain;
    chain = task;
  }
  committed_.store(begin + chunk_bytes, release);
  return chain;
}

TaskHeader& HeaderPool::take_slow() {
  if (kind_ == TaskKind::shared) at_thread_exit<flush_thread_pool>();
  OverflowList& overflow = overflow_of(kind_);
  {
    LockGuard lock{overflow.mutex};
    free_ = overflow.head;
    overflow.head = nullptr;
  }
  if (!free_) free_ = TaskArena::grow(kind_);
  room_ = spill_above - length();
  return take();
}

void HeaderPool::make_room() noexcept {
  if (kind_ == TaskKind::shared) at_thread_exit<flush_thread_pool>();
  if (length() > spill_above) return spill(keep_after_spill);
  room_ = spill_above - length();
}

std::int32_t HeaderPool::length() const noexcept {
  std::int32_t n = 0;
  for (const TaskHeader* task = free_; task; task = task->next) ++n;
  return n;
}

void HeaderPool::spill(std::int32_t keep) noexcept {
  TaskHeader* first = free_;
  TaskHeader* last_kept = nullptr;
  for (std::int32_t i = 0; i < keep; ++i) {
    last_kept = first;
    first = first->next;
  }
  (last_kept ? last_kept->next : free_) = nullptr;
  room_ = spill_above - keep;
  TaskHeader* last = first;
  while (last->next) last = last->next;

  OverflowList& overflow = overflow_of(kind_);
  LockGuard lock{overflow.mutex};
  last->next = overflow.head;
  overflow.head = first;
}

HeaderPool& shared_headers() noexcept { return thread_pool; }

TaskHeader& take_confined_header() {
  OverflowList& overflow = overflow_of(TaskKind::confined);
  for (;;) {
    {
      LockGuard lock{overflow.mutex};
      if (TaskHeader* const task = overflow.head) {
        overflow.head = task->next;
        return *task;
      }
    }
    HeaderPool fresh{TaskKind::confined};
    fresh.put(fresh.take());
    fresh.flush();
  }
}

void put_confined_header(TaskHeader& task) noexcept {
  OverflowList& overflow = overflow_of(TaskKind::confined);
  LockGuard lock{overflow.mutex};
  task.next = overflow.head;
  overflow.head = &task;
}

}  // namespace reactorlab
