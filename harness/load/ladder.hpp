#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace reactorlab::load {

/// Rates from `low` to `high` messages/s, each the same factor above the one before, rounded to whole numbers.
struct Ladder {
  double low;
  double high;
  std::size_t steps;

  [[nodiscard]] std::vector<double> rates() const;
};

/// "LOW:HIGH:STEPS". Throws std::invalid_argument with cause and remedy.
[[nodiscard]] Ladder parse_ladder(std::string_view text);

/// What one rate of a ladder gave.
struct Step {
  double offered_rate;
  double achieved_rate;
  std::uint64_t p50_ns;  ///< of the response
  std::uint64_t p99_ns;
};

/// A step's p99 may be so many times that of the lowest step.
inline constexpr double kKneeFactor = 10;

/// A rate is sustained when achieved/offered is at least kRateRatioMin and the response's p99 at most kKneeFactor times that of the
/// lowest rate. The knee is the last rate before the first one that isn't.
struct Knee {
  std::size_t sustained;  ///< steps from the lowest on; the knee is the last of them
  bool reached;           ///< a step isn't sustained; otherwise the knee lies beyond the ladder, if anywhere
};

[[nodiscard]] Knee find_knee(std::span<const Step> steps);

/// Measures the rates from the lowest on, until a step isn't sustained or `measure` returns nothing, which ends the ladder early.
/// Returns what was measured.
std::vector<Step> climb(const Ladder& ladder, const std::function<std::optional<Step>(double rate)>& measure);

}  // namespace reactorlab::load
