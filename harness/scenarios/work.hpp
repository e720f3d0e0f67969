#pragma once
// Requests that ask their server for work: what handlers that compute are to a reactor. A request says how much, so that all
// servers do the same, and its echo is its answer.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace reactorlab::work {

/// How a request begins. What follows is any bytes.
struct Request {
  std::uint32_t magic;
  std::uint32_t units;
};
inline constexpr std::uint32_t kMagic = 0x6b726f77;
inline constexpr std::uint32_t kMostUnits = 1'000'000;

/// Whether this process serves such requests: a process has one server. Set before its threads start.
inline bool requests_ask = false;

/// What this process has done. The bench compares it with what was asked for: a server that only echoes is found out.
inline std::atomic<std::uint64_t> units_done{0};

/// A fixed number of dependent multiplications, about 1 µs a unit where this was written: the same work for everybody, whoever
/// interrupts it, which no clock could promise.
inline void burn(std::uint32_t units) noexcept {
  constexpr std::uint64_t rounds_per_unit = 900;
  std::uint64_t x = units;
  for (std::uint64_t i = 0; i < units * rounds_per_unit; ++i) {
    x = x * 6364136223846793005U + 1442695040888963407U;
    asm volatile("" : "+r"(x));
  }
}

/// Does what was received asks for. Generators have one small request in flight on a connection, so it arrives whole; false for
/// anything else, and the connection has to be closed: work that nobody asked for would be measured.
[[nodiscard]] inline bool do_requested(const void* bytes, std::size_t size) noexcept {
  Request request;
  if (size < sizeof request) return false;
  std::memcpy(&request, bytes, sizeof request);
  if (request.magic != kMagic || request.units > kMostUnits) return false;
  burn(request.units);
  if (request.units != 0) units_done.fetch_add(request.units, std::memory_order_relaxed);
  return true;
}

/// For servers whose path is the same for both kinds of requests.
[[nodiscard]] inline bool do_requested_if_any(const void* bytes, std::size_t size) noexcept {
  return !requests_ask || do_requested(bytes, size);
}

}  // namespace reactorlab::work
