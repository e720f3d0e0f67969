#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <liburing.h>

namespace reactorlab::raw_uring {

/// The buffers that the kernel takes for what it receives (a provided-buffer ring). Each is in the ring, on loan to the loop from
/// the completion that names it until give_back(), or idle. The kernel goes through its ring in order, however few it needs at a
/// time; so the ring is kept short, and those that are used stay in the cache.
class BufferPool {
 public:
  /// The group that a receive names to draw from here.
  static constexpr std::uint16_t kGroup = 0;

  /// `count` is a power of two, at most 32768. Throws std::system_error.
  BufferPool(io_uring& ring, unsigned count, std::size_t size);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  [[nodiscard]] char* bytes(std::uint16_t id) const { return bytes_ + id * stride_; }

  /// A completion named a buffer.
  void take() { --in_ring_; }
  /// The kernel may have it again from publish() on.
  void give_back(std::uint16_t id) { idle_.push_back(id); }
  /// The ring was empty when the kernel wanted one.
  void lengthen_ring() { level_ = std::min(2 * level_, count_); }
  void publish();

  /// How many the kernel has, as far as completions have told.
  [[nodiscard]] unsigned in_ring() const { return in_ring_; }

 private:
  static constexpr unsigned kFirstLevel = 64;

  const unsigned count_;
  const std::size_t size_, stride_;
  std::size_t mapped_ = 0;
  io_uring_buf_ring* ring_ = nullptr;
  char* bytes_ = nullptr;
  unsigned level_;  ///< how many the ring is to have
  unsigned in_ring_ = 0;
  std::vector<std::uint16_t> idle_;  ///< the last one returned is the next one used
};

}  // namespace reactorlab::raw_uring
