#pragma once

#include <cmath>
#include <cstddef>

/// For tests of simulated experiments: how many of them may end in some way. A correct implementation leaves such a bound with a
/// probability below 1e-6; the bounds are exact, and don't use what they are there to test.
namespace reactorlab::measure {

inline double binomial_probability(std::size_t k, std::size_t trials, double chance) {
  const auto a = static_cast<double>(k), b = static_cast<double>(trials - k);
  return std::exp(std::lgamma(a + b + 1) - std::lgamma(a + 1) - std::lgamma(b + 1) + a * std::log(chance) +
                  b * std::log(1 - chance));
}

/// The largest count that Bin(trials, chance) falls short of with a probability of at most 1e-6.
inline std::size_t least_plausible(std::size_t trials, double chance) {
  std::size_t count = 0;
  for (double shorter = binomial_probability(0, trials, chance); shorter <= 1e-6 && count < trials; ++count)
    shorter += binomial_probability(count + 1, trials, chance);
  return count;
}

/// The smallest count that Bin(trials, chance) exceeds with a probability of at most 1e-6.
inline std::size_t most_plausible(std::size_t trials, double chance) { return trials - least_plausible(trials, 1 - chance); }

}  // namespace reactorlab::measure
