#include "harness/measure/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace reactorlab::measure {
namespace {

/// The k of the interval and twice its tail, or k = 0.
struct Rank {
  std::size_t k = 0;
  double outside = 0;
};

Rank sign_test_rank(std::size_t n, double confidence) {
  Rank rank;
  double point = std::pow(0.5, static_cast<double>(n));  // P(Bin(n, 1/2) = i), i = 0 first
  double tail = 0;
  for (std::size_t i = 0; 2 * (i + 1) <= n; ++i) {
    tail += point;
    if (2 * tail > 1 - confidence + 1e-12) break;
    rank = {.k = i + 1, .outside = 2 * tail};
    point *= static_cast<double>(n - i) / static_cast<double>(i + 1);
  }
  return rank;
}

}  // namespace

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::optional<Interval> sign_test_interval(std::vector<double> values, double confidence) {
  const Rank rank = sign_test_rank(values.size(), confidence);
  if (rank.k == 0) return std::nullopt;
  std::sort(values.begin(), values.end());
  return Interval{values[rank.k - 1], values[values.size() - rank.k], 1 - rank.outside};
}

std::optional<Ratio> paired_ratio(std::span<const Pair> pairs, double confidence) {
  std::vector<double> logs;
  for (const Pair& pair : pairs)
    if (pair.value > 0 && pair.baseline > 0) logs.push_back(std::log(pair.value / pair.baseline));
  if (logs.empty()) return std::nullopt;
  std::optional<Interval> interval = sign_test_interval(logs, confidence);
  if (interval) interval = Interval{std::exp(interval->low), std::exp(interval->high), interval->confidence};
  return Ratio{std::exp(median(logs)), interval, logs.size()};
}

Verdict verdict_of(const Ratio& ratio, Direction direction, double margin) {
  if (!ratio.interval) return Verdict::Inconclusive;
  const auto [low, high, confidence] = *ratio.interval;
  if (low >= 1 - margin && high <= 1 + margin) return Verdict::Equivalent;
  const bool smaller = high < 1 && ratio.value < 1 - margin;
  const bool greater = low > 1 && ratio.value > 1 + margin;
  if (!smaller && !greater) return Verdict::Inconclusive;
  return smaller == (direction == Direction::LowerIsFaster) ? Verdict::Faster : Verdict::Slower;
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::Faster: return "faster";
    case Verdict::Slower: return "slower";
    case Verdict::Equivalent: return "equivalent";
    case Verdict::Inconclusive: return "inconclusive";
  }
  return "inconclusive";
}

}  // namespace reactorlab::measure
