#pragma once
// Small blocks of memory that one thread takes and another gives back, under a lock that both hold: so they are kept here, and not
// by threads.

#include <cstddef>
#include <utility>

#include "core/flavour.hpp"
#include "core/frame_pool.hpp"

namespace reactorlab {

/// Unsynchronised. Larger ones than it keeps are the frame pool's.
class SpareBlocks {
 public:
  SpareBlocks() noexcept = default;
  ~SpareBlocks() {
    for (std::size_t granules = 0; granules != std::size(spare_); ++granules) {
      while (spare_[granules]) FramePool::deallocate(pop(granules), granules * granule);
    }
  }
  SpareBlocks(const SpareBlocks&) = delete;
  SpareBlocks& operator=(const SpareBlocks&) = delete;

  /// nullptr: no memory.
  void* take(std::size_t size) noexcept {
    const std::size_t granules = granules_of(size);
    if (granules < std::size(spare_) && spare_[granules]) [[likely]]
      return pop(granules);
    return FramePool::try_allocate(granules * granule);
  }
  /// `size`: as it was taken.
  void give(void* block, std::size_t size) noexcept {
    const std::size_t granules = granules_of(size);
    if (sanitized || granules >= std::size(spare_) || count_ == most) return FramePool::deallocate(block, granules * granule);
    spare_[granules] = new (block) Spare{spare_[granules]};
    ++count_;
  }

 private:
  struct Spare {
    Spare* next;
  };
  static constexpr std::size_t granule = 64;
  static constexpr std::size_t most = 512;

  static std::size_t granules_of(std::size_t size) noexcept { return (size + granule - 1) / granule; }
  void* pop(std::size_t granules) noexcept {
    --count_;
    return std::exchange(spare_[granules], spare_[granules]->next);
  }

  Spare* spare_[17] = {};  ///< by size, in granules
  std::size_t count_ = 0;
};

}  // namespace reactorlab
