#pragma once
// What a completion is about: its user_data is a source's token, or the address of a block, and in the low bits the kind of
// request.

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/slab.hpp"

namespace reactorlab {

enum class RingRequest : std::uint64_t {
  poll,      ///< a source's readiness; multishot
  change,    ///< of a poll's mask
  cancel,    ///< of another request
  receive,   ///< a stream's bytes; multishot
  accept,    ///< a listener's connections; multishot
  datagram,  ///< a UDP socket's; multishot
  writable,  ///< a socket's room for more bytes; once
  send,      ///< its block's bytes
};

inline constexpr Token no_token = 0;
inline constexpr std::uint64_t ring_request_mask = 15;
static_assert(sizeof(Registration) > ring_request_mask, "tokens are multiples of it");

constexpr std::uint64_t user_data(std::uint64_t name, RingRequest request) noexcept {
  return name | static_cast<std::uint64_t>(request);
}
constexpr RingRequest request_of(std::uint64_t user_data) noexcept {
  return static_cast<RingRequest>(user_data & ring_request_mask);
}
constexpr std::uint64_t name_in(std::uint64_t user_data) noexcept { return user_data & ~ring_request_mask; }

/// The requests that a source has under way, by their user_data: a receive of its kind, a send, one for room; or a poll.
class RequestsOfSource {
 public:
  void add(std::uint64_t user_data) noexcept { all_[count_++] = user_data; }
  bool empty() const noexcept { return count_ == 0; }
  const std::uint64_t* begin() const noexcept { return all_.data(); }
  const std::uint64_t* end() const noexcept { return all_.data() + count_; }

 private:
  std::array<std::uint64_t, 3> all_;
  std::size_t count_ = 0;
};

}  // namespace reactorlab
