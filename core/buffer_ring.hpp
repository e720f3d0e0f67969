#pragma once
// A ring of buffers that the kernel takes from when there is something to receive (a provided-buffer ring), without the buffers.

#include <linux/io_uring.h>

#include <cstddef>
#include <cstdint>

#include "core/ring.hpp"

namespace reactorlab {

/// Unsynchronised.
class BufferRing {
 public:
  /// `count`: a power of two. Throws std::system_error with cause and remedy, std::bad_alloc.
  BufferRing(Ring& ring, std::uint16_t group, unsigned count);
  ~BufferRing() { close(); }
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;

  /// The kernel may use it after publish(). REQUIRES that it has fewer than `count`.
  void add(std::uint16_t id, void* buffer, std::size_t size) noexcept {
    io_uring_buf& entry = entries_[tail_++ & (count_ - 1)];
    entry.addr = reinterpret_cast<std::uintptr_t>(buffer);
    entry.len = static_cast<std::uint32_t>(size);
    entry.bid = id;
  }
  /// The first entry's last field is the ring's tail.
  void publish() noexcept { reinterpret_cast<Atomic<std::uint16_t>&>(entries_[0].resv).store(tail_, release); }

  unsigned count() const noexcept { return count_; }
  /// The kernel takes none any more. Idempotent. REQUIRES that nothing is received into any of them.
  void close() noexcept;

 private:
  Ring& ring_;
  const std::uint16_t group_;
  const unsigned count_;
  io_uring_buf* entries_;  ///< shared with the kernel
  std::uint16_t tail_ = 0;
};

}  // namespace reactorlab
