#pragma once
// Recycles coroutine frames and other small blocks: a free list per thread and size class of 16 bytes up to 1 KiB. Blocks may
// be freed on another thread than they came from; long lists spill to a process-wide one. Stands aside under sanitizers.

#include <cstddef>
#include <cstdint>
#include <new>

#include "core/flavour.hpp"
#include "core/memory.hpp"

namespace reactorlab {

class FramePool {
 public:
  static constexpr std::size_t granule = 16;
  static constexpr std::size_t class_count = 65;  // index = granules; 0 unused

  /// Throws std::bad_alloc.
  static void* allocate(std::size_t size) {
    const std::size_t index = (size + granule - 1) / granule;
    if (sanitized || index >= class_count) [[unlikely]]
      return ::operator new(size);
    if (memory::refused()) throw std::bad_alloc{};
    FramePool& pool = of_thread_;
    if (Block* const block = pool.free_[index]) [[likely]] {
      pool.free_[index] = block->next;
      ++pool.room_[index];
      return block;
    }
    return pool.allocate_slow(index);
  }

  /// The same; nullptr if there is no memory.
  static void* try_allocate(std::size_t size) noexcept {
    try {
      return allocate(size);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }

  static void deallocate(void* memory, std::size_t size) noexcept {
    const std::size_t index = (size + granule - 1) / granule;
    if (sanitized || index >= class_count) [[unlikely]]
      return ::operator delete(memory);
    FramePool& pool = of_thread_;
    auto* const block = static_cast<Block*>(memory);
    block->next = pool.free_[index];
    pool.free_[index] = block;
    if (pool.room_[index]-- <= 0) [[unlikely]]
      pool.make_room(index);
  }

 private:
  struct Block {
    Block* next;
  };
  static constexpr std::int32_t spill_above = 8192;
  static constexpr std::int32_t keep_after_spill = 64;

  struct Common;
  static Common& common() noexcept;

  void* allocate_slow(std::size_t index);
  /// The first block of a class that the thread gives back, or one too many.
  void make_room(std::size_t index) noexcept;
  void spill(std::size_t index, std::int32_t keep) noexcept;
  static void flush() noexcept;

  Block* free_[class_count] = {};
  std::int32_t room_[class_count] = {};  // spill_above less the list's length; 0 before its first use
  std::byte* fresh_ = nullptr;  // the unused rest of the newest chunk
  std::byte* fresh_end_ = nullptr;

  static constinit thread_local FramePool of_thread_;
};

inline constinit thread_local FramePool FramePool::of_thread_{};

}  // namespace reactorlab
