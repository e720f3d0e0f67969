#include "core/frame_pool.hpp"

#include "core/immortal.hpp"
#include "core/sync.hpp"
#include "core/thread_exit.hpp"

namespace reactorlab {
namespace {

constexpr std::size_t chunk_size = 64 * 1024;

struct Overflow {
  PlainMutex mutex;
  void* head[FramePool::class_count] = {};  // guarded by mutex
};

Overflow& overflow() noexcept {
  static constinit Immortal<Overflow> instance;
  return instance.get();
}

}  // namespace

void* FramePool::allocate_slow(std::size_t index) {
  at_thread_exit<flush>();
  {
    Overflow& shared = overflow();
    LockGuard lock{shared.mutex};
    free_[index] = static_cast<Block*>(shared.head[index]);
    shared.head[index] = nullptr;
  }
  count_[index] = 0;
  for (Block* block = free_[index]; block; block = block->next) ++count_[index];
  if (free_[index]) return allocate(index * granule);

  const std::size_t size = index * granule;
  if (static_cast<std::size_t>(fresh_end_ - fresh_) < size) {
    fresh_ = static_cast<std::byte*>(::operator new(chunk_size));
    fresh_end_ = fresh_ + chunk_size;
  }
  void* const block = fresh_;
  fresh_ += size;
  return block;
}

void FramePool::spill(std::size_t index, std::uint32_t keep) noexcept {
  Block* first = free_[index];
  Block* last_kept = nullptr;
  for (std::uint32_t i = 0; i < keep; ++i) {
    last_kept = first;
    first = first->next;
  }
  (last_kept ? last_kept->next : free_[index]) = nullptr;
  count_[index] = keep;
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
    if (pool.free_[index]) pool.spill(index, 0);
  }
}

}  // namespace reactorlab
