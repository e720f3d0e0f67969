#include "core/frame_pool.hpp"

#include <utility>

#include "core/immortal.hpp"
#include "core/mutation.hpp"
#include "core/sync.hpp"
#include "core/thread_exit.hpp"

namespace reactorlab {
namespace {

constexpr std::size_t chunk_size = 64 * 1024;

/// What was left of a chunk when its thread ended; lies at its start.
struct Rest {
  Rest* next;
  std::byte* end;
};
static_assert(sizeof(Rest) <= FramePool::granule);

struct Overflow {
  PlainMutex mutex;
  void* head[FramePool::class_count] = {};  // guarded by mutex
  Rest* rests = nullptr;                    // guarded by mutex
};

Overflow& overflow() noexcept {
  static constinit Immortal<Overflow> instance;
  return instance.get();
}

}  // namespace

void* FramePool::allocate_slow(std::size_t index) {
  at_thread_exit<flush>();
  const std::size_t size = index * granule;
  const auto too_small = [&] { return static_cast<std::size_t>(fresh_end_ - fresh_) < size; };
  {
    Overflow& shared = overflow();
    LockGuard lock{shared.mutex};
    free_[index] = static_cast<Block*>(shared.head[index]);
    shared.head[index] = nullptr;
    while (!free_[index] && too_small() && shared.rests) {
      Rest* const rest = std::exchange(shared.rests, shared.rests->next);
      fresh_ = reinterpret_cast<std::byte*>(rest);
      fresh_end_ = rest->end;
    }
  }
  room_[index] = spill_above - length(index);
  if (free_[index]) return allocate(size);

  if (too_small()) {
    fresh_ = static_cast<std::byte*>(::operator new(chunk_size));
    fresh_end_ = fresh_ + chunk_size;
  }
  void* const block = fresh_;
  fresh_ += size;
  return block;
}

void FramePool::make_room(std::size_t index) noexcept {
  at_thread_exit<flush>();
  if (length(index) > spill_above) return spill(index, keep_after_spill);
  room_[index] = spill_above - length(index);
}

std::int32_t FramePool::length(std::size_t index) const noexcept {
  std::int32_t n = 0;
  for (const Block* block = free_[index]; block; block = block->next) ++n;
  return n;
}

void FramePool::spill(std::size_t index, std::int32_t keep) noexcept {
  Block* first = free_[index];
  Block* last_kept = nullptr;
  for (std::int32_t i = 0; i < keep; ++i) {
    last_kept = first;
    first = first->next;
  }
  (last_kept ? last_kept->next : free_[index]) = nullptr;
  room_[index] = spill_above - keep;
  Block* last = first;
  while (last->next) last = last->next;

  Overflow& shared = overflow();
  LockGuard lock{shared.mutex};
  last->next = static_cast<Block*>(shared.head[index]);
  shared.head[index] = first;
}

void FramePool::flush() noexcept {
  FramePool& pool = of_thread_;
  for (std::size_t index = 1; index < class_count; ++index) {
    if (pool.free_[index] && !mutated(Mutant::ended_threads_pool_lost)) pool.spill(index, 0);
  }
  if (pool.fresh_ == pool.fresh_end_) return;
  auto* const rest = new (pool.fresh_) Rest{nullptr, pool.fresh_end_};
  pool.fresh_ = pool.fresh_end_;
  Overflow& shared = overflow();
  LockGuard lock{shared.mutex};
  rest->next = std::exchange(shared.rests, rest);
}

}  // namespace reactorlab
