#pragma once
// What a completion is about: its user_data is a source's token, or the address of a block, and in the low bits the kind of
// request.

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

}  // namespace reactorlab
