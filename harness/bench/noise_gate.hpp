#pragma once

#include "harness/bench/sample.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

/// Which rounds the machine spoilt. Decided by what the machine did, never by what a sample measured, and for all entries of the
/// round alike. Pure functions of the samples.
namespace reactorlab::bench {

/// Set by what the machine did, never by what came out (decision 0024 says why they are what they are).
namespace noise_limits {
inline constexpr double kSteal = 0.005;          ///< of all CPUs' time,
inline constexpr std::uint64_t kStealTicks = 2;  ///< but at least so many of /proc/stat's ticks of 10 ms
inline constexpr double kOthers = 0.05;          ///< CPU time of other processes, of all CPUs' time
inline constexpr double kRunDelay = 0.10;        ///< of the window, for a server that usually has its CPU to itself
inline constexpr double kAlone = 0.02;           ///< that is one whose median run delay in this cell is at most this
inline constexpr double kPressure = 0.10;        ///< of the time, above the entry's median in this cell
inline constexpr double kCanarySlower = 0.10;    ///< than the run's median on that CPU
}  // namespace noise_limits

/// Why a sample is too noisy.
struct NoiseFinding {
  std::string_view gate;  ///< "steal", "others", "run_delay", "pressure", "canary"
  std::string text;       ///< with the number and the limit
};

/// A round of a cell that is excluded, and the samples that are the reason.
struct NoisyRound {
  Cell cell;
  std::size_t round = 0;
  std::vector<std::string> reasons;  ///< "thread_local: other processes had 12.0 % of the CPUs (at most 5.0 %)"
};

struct NoiseReport {
  std::vector<NoisyRound> excluded;  ///< by cell, then round
  std::size_t rounds = 0;            ///< of all cells, excluded ones included
  std::vector<std::string> unread;   ///< "pressure: this kernel has none"; gates that judged nothing
};

/// What every gate says of every sample, in the samples' order.
[[nodiscard]] std::vector<std::vector<NoiseFinding>> noise_findings(const std::vector<Sample>& samples);

[[nodiscard]] NoiseReport noise_report(const std::vector<Sample>& samples);

/// Marks the samples of those rounds, so that they have no figures any more (Sample::excluded).
NoiseReport exclude_noisy_rounds(std::vector<Sample>& samples);

[[nodiscard]] nlohmann::json to_json(const NoiseReport& report);

/// For a terminal, a line or more; says so where nothing was excluded.
[[nodiscard]] std::string text_of(const NoiseReport& report);

}  // namespace reactorlab::bench
