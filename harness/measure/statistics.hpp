#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

/// Statistics over rounds. Nothing here assumes a distribution; everything assumes independent rounds.
namespace reactorlab::measure {

/// The mean of the two middle values where their number is even. `values` must not be empty.
[[nodiscard]] double median(std::vector<double> values);

struct Interval {
  double low;
  double high;
  double confidence;  ///< attained, at least what was asked
};

/// The exact confidence interval of the median: the order statistics x(k) and x(n+1-k) with the largest k such that
/// 2 P(Bin(n, 1/2) < k) <= 1 - confidence. Nothing where n is too small for one (below 6 at 95 %).
[[nodiscard]] std::optional<Interval> sign_test_interval(std::vector<double> values, double confidence = 0.95);

/// The interval of what these are the logarithms of.
[[nodiscard]] std::optional<Interval> from_logarithms(const std::optional<Interval>& logarithms);

/// How many times the baseline something costs.
struct Ratio {
  double value;  ///< exp of the median log-ratio
  std::optional<Interval> interval;
  std::size_t rounds;
};

/// One (value, baseline value) pair per round.
struct Pair {
  double value;
  double baseline;
};

/// The logarithm of value / baseline, for each pair of positive numbers.
[[nodiscard]] std::vector<double> log_ratios(std::span<const Pair> pairs);

/// Nothing without a pair of positive numbers.
[[nodiscard]] std::optional<Ratio> paired_ratio(std::span<const Pair> pairs, double confidence = 0.95);

enum class Verdict { Faster, Slower, Equivalent, Inconclusive };

enum class Direction { LowerIsFaster, HigherIsFaster };

/// Differences below this are of no consequence to a reader.
inline constexpr double kEquivalenceMargin = 0.02;

/// Equivalent: the whole interval is within the margin. Faster or slower: the interval excludes 1 and the value is
/// outside the margin. Else, and without an interval: inconclusive. One comparison by itself; for several see comparison.hpp.
[[nodiscard]] Verdict verdict_of(const Ratio& ratio, Direction direction, double margin = kEquivalenceMargin);

[[nodiscard]] std::string_view to_string(Verdict verdict);

}  // namespace reactorlab::measure
