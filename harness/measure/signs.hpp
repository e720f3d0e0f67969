#pragma once

#include <cstddef>
#include <span>

/// The sign test: how many of independent rounds lie on one side of a value. Exact, whatever their distribution is.
namespace reactorlab::measure {

/// P(Bin(trials, chance) <= successes).
[[nodiscard]] double binomial_at_most(std::size_t successes, std::size_t trials, double chance = 0.5);

/// The largest k such that 2 P(Bin(rounds, 1/2) < k) <= 1 - confidence: the order statistics x(k) and x(rounds + 1 - k) are the
/// ends of the median's confidence interval. 0 where the rounds are too few for one.
[[nodiscard]] std::size_t sign_test_rank(std::size_t rounds, double confidence);

/// The fewest rounds that have such an interval: 6 at 95 %.
[[nodiscard]] std::size_t fewest_rounds(double confidence);

/// The p value of "the median is `median`", two-sided. A round that lies on it speaks for it. At most 1 - c exactly where the
/// interval of confidence c doesn't hold it.
[[nodiscard]] double p_of_median(std::span<const double> values, double median);

/// The p value of "the median is outside [low, high]": of two one-sided tests the weaker, doubled. At most 1 - c exactly where
/// the interval of confidence c lies inside.
[[nodiscard]] double p_of_median_outside(std::span<const double> values, double low, double high);

}  // namespace reactorlab::measure
