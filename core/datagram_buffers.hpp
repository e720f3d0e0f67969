#pragma once
// Where the kernel puts datagrams before they are looked at: each is as long as the longest one of UDP, with its sender's address,
// and is given back at once. Their pages are memory only once something was received into them.

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/buffer_ring.hpp"

namespace reactorlab {

/// Unsynchronised.
class DatagramBuffers {
 public:
  static constexpr std::uint16_t group = 1;
  static constexpr unsigned count = 64;

  /// What lies in a buffer: the kernel's header, room for an address, the bytes.
  static constexpr std::size_t name_capacity = sizeof(sockaddr_in6);
  static constexpr std::size_t longest = 65'535;

  struct View {
    std::span<const std::byte> name;
    std::span<const std::byte> bytes;
    std::size_t size;  ///< of the datagram
  };

  /// Throws std::system_error with cause and remedy, std::bad_alloc.
  explicit DatagramBuffers(Ring& ring);
  ~DatagramBuffers();
  DatagramBuffers(const DatagramBuffers&) = delete;
  DatagramBuffers& operator=(const DatagramBuffers&) = delete;

  /// `filled`: of the buffer, as its completion says.
  View look(std::uint16_t id, std::size_t filled) const noexcept;
  /// It is the kernel's again.
  void give_back(std::uint16_t id) noexcept {
    provide(id);
    ring_.publish();
  }

 private:
  static constexpr std::size_t capacity = 66 * 1024;
  static_assert(capacity >= sizeof(io_uring_recvmsg_out) + name_capacity + longest);

  std::byte* at(std::uint16_t id) const noexcept { return area_ + id * capacity; }
  void provide(std::uint16_t id) noexcept { ring_.add(id, at(id), capacity); }

  BufferRing ring_;
  std::byte* area_;
};

}  // namespace reactorlab
