#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace reactorlab::load {

/// How users arrive who don't wait for each other.
enum class Arrivals {
  Constant,  ///< evenly spaced
  Poisson,   ///< independently of each other: gaps are exponential
};

/// A schedule longer than this is refused: it is made in advance, at 16 bytes a message.
inline constexpr std::size_t kMaxScheduled = std::size_t{1} << 26;

/// When each message is meant to leave: ns after the start, ascending, all before `horizon_ns`. `rate` is per second. The same
/// arguments give the same schedule; `seed` matters for Poisson only. Throws std::invalid_argument with a remedy for a rate that
/// isn't positive and for more than kMaxScheduled messages.
[[nodiscard]] std::vector<std::uint64_t> schedule_of(Arrivals arrivals, double rate, std::uint64_t horizon_ns, std::uint64_t seed);

}  // namespace reactorlab::load
