#pragma once

#include "harness/measure/statistics.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

/// Efron's bootstrap over rounds, for figures that aren't a median: rounds, never single requests, because requests of one process
/// depend on each other. An approximation, unlike the sign test: its coverage is near what was asked, and less than that for means
/// of few skewed values.
namespace reactorlab::measure {

struct BootstrapSettings {
  std::size_t resamples = 10'000;
  std::uint64_t seed = 1;  ///< fixed, so that the same rounds always give the same interval
};

/// Rounds that were drawn with replacement, by their indices, for each group of rounds that was measured independently.
using Draw = std::vector<std::vector<std::size_t>>;

/// The figure that drawn rounds give; NaN where they give none.
using DrawFigure = std::function<double(const Draw&)>;

/// What a figure was in many draws.
class Bootstrap {
 public:
  /// `groups`: the rounds in each; REQUIRES none to be 0.
  Bootstrap(std::vector<std::size_t> groups, const DrawFigure& figure, const BootstrapSettings& settings = {});

  /// Expanded percentiles (Hesterberg, What teachers should know about the bootstrap, 2015): those that Student's distribution
  /// puts where the normal one has confidence's, since percentiles of few rounds are too narrow. Nothing where the smallest group
  /// has fewer rounds than the sign test needs, or the draws are too few. The interval's confidence is nominal.
  [[nodiscard]] std::optional<Interval> interval(double confidence = 0.95) const;

  /// p values that agree with interval(), as those of the sign test do (signs.hpp).
  [[nodiscard]] double p_of(double value) const;
  [[nodiscard]] double p_of_outside(double low, double high) const;

 private:
  [[nodiscard]] double tail_share(double alpha) const;
  [[nodiscard]] double p_of_tail(std::size_t draws) const;
  [[nodiscard]] std::size_t count_below(double value) const;
  [[nodiscard]] std::size_t count_above(double value) const;

  std::size_t rounds_;
  std::vector<double> sorted_;
};

}  // namespace reactorlab::measure
