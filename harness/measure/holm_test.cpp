#include "harness/measure/holm.hpp"

#include "harness/measure/plausible_counts.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reactorlab::measure {
namespace {

using testing::DoubleNear;
using testing::Pointwise;

TEST(Holm, MultipliesTheSmallestMostAndKeepsTheOrder) {
  EXPECT_THAT(holm_adjusted(std::vector{0.01, 0.04, 0.03, 0.005}), Pointwise(DoubleNear(1e-12), {0.03, 0.06, 0.06, 0.02}));
  EXPECT_THAT(holm_adjusted(std::vector{0.7, 0.6}), Pointwise(DoubleNear(1e-12), {1.0, 1.0}));
  EXPECT_THAT(holm_adjusted(std::vector{0.02}), Pointwise(DoubleNear(1e-12), {0.02}));
  EXPECT_TRUE(holm_adjusted({}).empty());
}

/// How many of the experiments reject a true hypothesis: 10 of them, the first `wrong` ones far from true.
template <class Adjust>
std::size_t experiments_with_an_error(std::size_t experiments, std::size_t wrong, Adjust adjust) {
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> uniform(0, 1);  // as p values of true hypotheses are
  std::size_t errors = 0;
  for (std::size_t i = 0; i < experiments; ++i) {
    std::vector<double> p(10);
    for (std::size_t k = 0; k < p.size(); ++k) p[k] = uniform(random) * (k < wrong ? 1e-6 : 1);
    const std::vector<double> adjusted = adjust(p);
    errors +=
        std::any_of(adjusted.begin() + static_cast<std::ptrdiff_t>(wrong), adjusted.end(), [](double x) { return x <= 0.05; });
  }
  return errors;
}

TEST(Holm, OneErrorOrMoreIsAsRareAsAlphaWhateverElseIsTrue) {
  const std::size_t experiments = 20'000;
  for (const std::size_t wrong : {0U, 5U, 9U}) {
    const double chance = 1 - std::pow(1 - 0.05 / static_cast<double>(10 - wrong), 10 - static_cast<double>(wrong));
    const std::size_t errors = experiments_with_an_error(experiments, wrong, [](const auto& p) { return holm_adjusted(p); });
    EXPECT_LE(errors, most_plausible(experiments, chance)) << wrong;
    EXPECT_GE(errors, least_plausible(experiments, chance)) << wrong << ": it gives away nothing either";
  }
  const double uncorrected = 1 - std::pow(0.95, 10);
  EXPECT_GE(experiments_with_an_error(experiments, 0, [](const auto& p) { return p; }), least_plausible(experiments, uncorrected));
}

}  // namespace
}  // namespace reactorlab::measure
