#pragma once

#include <cstdint>
#include <optional>

namespace reactorlab::measure {

/// How long a fixed piece of work takes on a CPU: whether that CPU runs as fast as at other times, and is ours.
struct Canary {
  std::uint64_t fastest_ns = 0;  ///< CPU time of the fastest of a few equal runs: ticks and interrupts aren't in it
  std::uint64_t cpu_ns = 0;      ///< CPU time of all of them
  std::uint64_t wall_ns = 0;     ///< time that passed meanwhile

  bool operator==(const Canary&) const = default;
};

/// Iterations of scenarios::spin in one run.
inline constexpr std::uint64_t kCanaryIterations = 200'000;

/// Takes about a millisecond, on that CPU; nothing: wherever the calling thread is. Throws std::system_error where it can't be
/// pinned there.
[[nodiscard]] Canary run_canary(std::optional<int> cpu);

}  // namespace reactorlab::measure
