#include "harness/measure/power.hpp"

#include "harness/measure/signs.hpp"

#include <cmath>

namespace reactorlab::measure {
namespace {

/// P(Bin(n, chance) = k).
double binomial_point(std::size_t k, std::size_t n, double chance) {
  if (chance <= 0) return k == 0 ? 1 : 0;
  const double a = static_cast<double>(k), b = static_cast<double>(n - k);
  return std::exp(std::lgamma(a + b + 1) - std::lgamma(a + 1) - std::lgamma(b + 1) + a * std::log(chance) +
                  b * std::log1p(-chance));
}

/// Half the width that the median's interval is expected to have, in logarithms.
double expected_half_width(const Scatter& scatter, std::size_t rounds, double confidence) {
  const auto rank = static_cast<double>(sign_test_rank(rounds, confidence));
  return -scatter.quantile(rank / static_cast<double>(rounds + 1));
}

}  // namespace

double power_of(const Scatter& scatter, double ratio, std::size_t rounds, const ClaimRule& rule) {
  const double effect = std::log(ratio);
  const double below_one = scatter.share_below(-effect);
  const double below_margin = scatter.share_below(std::log1p(rule.margin) - effect);
  const double within = (below_margin - below_one) / (1 - below_one);
  const std::size_t half = (rounds - 1) / 2;  // so many within the margin leave the median outside
  double power = 0;
  for (std::size_t k = 0; k < sign_test_rank(rounds, 1 - rule.alpha); ++k) {
    const double chance = binomial_point(k, rounds, below_one);
    if (chance > 1e-12) power += chance * binomial_at_most(half - k, rounds - k, within);
  }
  return power;
}

std::optional<double> detectable_ratio(const Scatter& scatter, std::size_t rounds, const ClaimRule& rule, double power) {
  constexpr double kLargest = 1e6;
  const auto detects = [&](double ratio) { return power_of(scatter, ratio, rounds, rule) >= power; };
  if (!detects(kLargest)) return std::nullopt;
  double low = 0, high = std::log(kLargest);
  while (high - low > 1e-6) {
    const double middle = (low + high) / 2;
    (detects(std::exp(middle)) ? high : low) = middle;
  }
  return std::exp(high);
}

std::optional<std::size_t> rounds_for_precision(const Scatter& scatter, double confidence, double margin) {
  const auto precise = [&](std::size_t rounds) { return expected_half_width(scatter, rounds, confidence) <= std::log1p(margin); };
  std::size_t enough = kMostRounds, too_few = fewest_rounds(confidence) - 1;
  if (!precise(enough)) return std::nullopt;
  while (enough - too_few > 1) {
    const std::size_t middle = (enough + too_few) / 2;
    (precise(middle) ? enough : too_few) = middle;
  }
  return enough;
}

}  // namespace reactorlab::measure
