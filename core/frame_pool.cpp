#include "core/frame_pool.hpp"

#include <utility>

#include "core/free_list.hpp"
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

}  // namespace

struct FramePool::Common {
  PlainMutex mutex;
  Block* free[class_count] = {};  // guarded by mutex
  Rest* rests = nullptr;          // guarded by mutex
};

FramePool::Common& FramePool::common() noexcept {
  static constinit Immortal<Common> instance;
  return instance.get();
}

void* FramePool::allocate_slow(std::size_t index) {
  at_thread_exit<flush>();
  const std::size_t size = index * granule;
  const auto too_small = [&] { return static_cast<std::size_t>(fresh_end_ - fresh_) < size; };
  free_list::Chain<Block> used;
  {
    LockGuard lock{common().mutex};
    used = free_list::take_some(common().free[index]);
    while (!used.first && too_small() && common().rests) {
      Rest* const rest = std::exchange(common().rests, common().rests->next);
      fresh_ = reinterpret_cast<std::byte*>(rest);
      fresh_end_ = rest->end;
    }
  }
  free_[index] = used.first;
  room_[index] = spill_above - used.length;
  if (used.first) return allocate(size);

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
  const std::int32_t length = free_list::length(free_[index]);
  if (length > spill_above) return spill(index, keep_after_spill);
  room_[index] = spill_above - length;
}

void FramePool::spill(std::size_t index, std::int32_t keep) noexcept {
  const auto kept = free_list::cut(free_[index], keep);
  const auto spilled = free_list::cut(free_[index], free_list::everything);
  free_[index] = kept.first;
  room_[index] = spill_above - kept.length;
  LockGuard lock{common().mutex};
  free_list::prepend(common().free[index], spilled);
}

void FramePool::flush() noexcept {
  FramePool& pool = of_thread_;
  for (std::size_t index = 1; index < class_count; ++index) {
    if (pool.free_[index] && !mutated(Mutant::ended_threads_pool_lost)) pool.spill(index, 0);
  }
  if (pool.fresh_ == pool.fresh_end_) return;
  auto* const rest = new (pool.fresh_) Rest{nullptr, pool.fresh_end_};
  pool.fresh_ = pool.fresh_end_;
  LockGuard lock{common().mutex};
  rest->next = std::exchange(common().rests, rest);
}

}  // namespace reactorlab
