#include "core/task_arena.hpp"

#include <new>

#include "core/free_list.hpp"
#include "core/immortal.hpp"
#include "core/sys.hpp"
#include "core/thread_exit.hpp"

namespace reactorlab {
namespace {

/// Headers that no thread keeps.
struct Common {
  PlainMutex mutex;
  TaskHeader* free = nullptr;  // guarded by mutex
};

Common& common_of(TaskKind kind) noexcept {
  static constinit Immortal<Common> confined, shared;
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
  {
    Common& common = common_of(kind_);
    LockGuard lock{common.mutex};
    free_ = free_list::take_some(common.free).first;
  }
  if (!free_) free_ = TaskArena::grow(kind_);
  room_ = spill_above - free_list::length(free_);
  return take();
}

void HeaderPool::make_room() noexcept {
  if (kind_ == TaskKind::shared) at_thread_exit<flush_thread_pool>();
  const std::int32_t length = free_list::length(free_);
  if (length > spill_above) return spill(keep_after_spill);
  room_ = spill_above - length;
}

void HeaderPool::spill(std::int32_t keep) noexcept {
  const auto kept = free_list::cut(free_, keep);
  const auto spilled = free_list::cut(free_, free_list::everything);
  free_ = kept.first;
  room_ = spill_above - kept.length;
  Common& common = common_of(kind_);
  LockGuard lock{common.mutex};
  free_list::prepend(common.free, spilled);
}

HeaderPool& shared_headers() noexcept { return thread_pool; }

TaskHeader& take_confined_header() {
  Common& common = common_of(TaskKind::confined);
  for (;;) {
    {
      LockGuard lock{common.mutex};
      if (TaskHeader* const task = common.free) {
        common.free = task->next;
        return *task;
      }
    }
    HeaderPool fresh{TaskKind::confined};
    fresh.put(fresh.take());
    fresh.flush();
  }
}

void put_confined_header(TaskHeader& task) noexcept {
  Common& common = common_of(TaskKind::confined);
  LockGuard lock{common.mutex};
  task.next = common.free;
  common.free = &task;
}

}  // namespace reactorlab
