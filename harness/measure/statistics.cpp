#include "harness/measure/statistics.hpp"

#include "harness/measure/signs.hpp"

#include <algorithm>
#include <cmath>

namespace reactorlab::measure {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::optional<Interval> sign_test_interval(std::vector<double> values, double confidence) {
  const std::size_t rank = sign_test_rank(values.size(), confidence);
  if (rank == 0) return std::nullopt;
  std::sort(values.begin(), values.end());
  return Interval{values[rank - 1], values[values.size() - rank], 1 - 2 * binomial_at_most(rank - 1, values.size())};
}

std::optional<Interval> from_logarithms(const std::optional<Interval>& logarithms) {
  if (!logarithms) return std::nullopt;
  return Interval{std::exp(logarithms->low), std::exp(logarithms->high), logarithms->confidence};
}

std::vector<double> log_ratios(std::span<const Pair> pairs) {
  std::vector<double> logs;
  for (const Pair& pair : pairs)
    if (pair.value > 0 && pair.baseline > 0) logs.push_back(std::log(pair.value / pair.baseline));
  return logs;
}

std::optional<Ratio> paired_ratio(std::span<const Pair> pairs, double confidence) {
  const std::vector<double> logs = log_ratios(pairs);
  if (logs.empty()) return std::nullopt;
  return Ratio{std::exp(median(logs)), from_logarithms(sign_test_interval(logs, confidence)), logs.size()};
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
