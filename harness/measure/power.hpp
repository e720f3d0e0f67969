#pragma once

#include "harness/measure/scatter.hpp"

#include <cstddef>
#include <optional>

/// What a number of rounds can find out: planning, by how earlier rounds lay around their median.
namespace reactorlab::measure {

/// A difference is claimed where the sign test's p value is at most alpha and the median is outside the margin.
struct ClaimRule {
  double alpha;
  double margin;
};

/// The probability that this many rounds claim a difference where the true ratio is `ratio` > 1 (or its inverse). Exact for the
/// given scatter: two counts of a multinomial distribution, the rounds below 1 and those within the margin.
[[nodiscard]] double power_of(const Scatter& scatter, double ratio, std::size_t rounds, const ClaimRule& rule);

/// The smallest true ratio > 1 that this many rounds claim with probability `power`. Nothing where they are too few to claim any.
[[nodiscard]] std::optional<double> detectable_ratio(const Scatter& scatter, std::size_t rounds, const ClaimRule& rule,
                                                     double power = 0.8);

/// `bench run` takes no more.
inline constexpr std::size_t kMostRounds = 1000;

/// About how many rounds make the median's interval as narrow as 1 +- margin: those whose order statistics are expected there.
/// Nothing where kMostRounds are too few.
[[nodiscard]] std::optional<std::size_t> rounds_for_precision(const Scatter& scatter, double confidence, double margin);

}  // namespace reactorlab::measure
