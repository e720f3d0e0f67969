#pragma once

#include "harness/load/open_load.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace reactorlab::load {

/// A condition without which an open loop's latencies don't mean what they seem to.
struct Gate {
  std::string_view name;
  bool passed;
  double value;
  double limit;
  std::string text;  ///< the number, and what a failure means
};

inline constexpr double kRateRatioMin = 0.99;
inline constexpr double kBusyShareMax = 0.80;
/// Of the send lag's p99: this much, or a tenth of the median response where that is more.
inline constexpr std::uint64_t kSendLagMaxNs = 20'000;
inline constexpr double kLittlesLawMax = 0.05;

/// Of a run that wasn't interrupted, always the same five in the same order:
///   rate         the server answered at the rate at which it was asked
///   headroom     the generator had nothing to do for a good part of the time
///   send_lag     messages left on time
///   littles_law  messages in flight, counted while the loop ran, are rate x mean response, taken from the stamps
///   answers      every message was answered with the right bytes
[[nodiscard]] std::vector<Gate> validity_gates(const OpenLoadResult& result);

[[nodiscard]] bool all_passed(const std::vector<Gate>& gates);

}  // namespace reactorlab::load
