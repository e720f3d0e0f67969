#pragma once
// Read buffers that the kernel receives into (a provided-buffer ring): it takes one when there are bytes, so an idle connection
// holds none. They are the pool's: what was received is leased as it is, and another one takes its place.

#include <array>
#include <cstdint>

#include "core/buffer_ring.hpp"
#include "core/lease.hpp"

namespace reactorlab {

/// Unsynchronised. Freed after the last receive of its group has completed.
class ProvidedBuffers {
 public:
  static constexpr std::uint16_t group = 0;
  static constexpr unsigned most = 1024;

  /// `count`: a power of two. Throws std::system_error with cause and remedy.
  ProvidedBuffers(Ring& ring, unsigned count);
  ~ProvidedBuffers();
  ProvidedBuffers(const ProvidedBuffers&) = delete;
  ProvidedBuffers& operator=(const ProvidedBuffers&) = delete;

  /// The buffer that a completion named, which is the caller's from now on.
  ReadBuffer* take(std::uint16_t id) noexcept;
  /// The kernel gets what was used and given back; new ones are made, as far as there is memory, until it has half of them (while
  /// those that are lent may come back), or most.
  enum class Refill : bool { half, most };
  void replenish(Refill refill) noexcept;
  /// Some are missing for want of memory, or haven't been replaced yet.
  bool complete() const noexcept { return missing_count_ == 0; }

 private:
  void provide(std::uint16_t id, ReadBuffer& buffer) noexcept;

  BufferRing ring_;
  std::array<ReadBuffer*, most> lent_{};
  std::array<std::uint16_t, most> missing_;
  unsigned missing_count_ = 0;
};

}  // namespace reactorlab
