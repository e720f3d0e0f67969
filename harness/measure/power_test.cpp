#include "harness/measure/power.hpp"

#include "harness/measure/plausible_counts.hpp"
#include "harness/measure/signs.hpp"
#include "harness/measure/statistics.hpp"

#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace reactorlab::measure {
namespace {

using Noise = std::function<double(std::mt19937_64&)>;

double normal(std::mt19937_64& random) { return std::normal_distribution<double>(0, 0.03)(random); }

/// Of a log-ratio in which each side has now and then a disturbed round.
double disturbed(std::mt19937_64& random) {
  const auto side = [&] {
    return normal(random) + (random() % 10 == 0 ? 0.2 * std::exponential_distribution<double>(1)(random) : 0);
  };
  return side() - side();
}

std::vector<double> rounds_of(const Noise& noise, std::size_t rounds, std::mt19937_64& random) {
  std::vector<double> values(rounds);
  for (double& value : values) value = noise(random);
  return values;
}

TEST(Scatter, IsTheSampleSymmetricallyAndWithATailBeyondIt) {
  const Scatter scatter(std::vector<double>{-3, 0, 1, 2, 7});  // distances from 1: 0, 1, 1, 4, 6
  EXPECT_DOUBLE_EQ(scatter.share_below(0), 1 - (1 - 1.0 / 6) / 2) << "one round lies on the median";
  EXPECT_DOUBLE_EQ(scatter.share_below(4), 1 - (1 - 4.0 / 6) / 2);
  EXPECT_DOUBLE_EQ(scatter.share_below(-5), (1 - 4.5 / 6) / 2);
  EXPECT_DOUBLE_EQ(scatter.share_below(-6), 1.0 / 12);
  EXPECT_DOUBLE_EQ(scatter.share_below(-6 - 4), std::exp(-1.0) / 12) << "4 and 6 exceed the middle, 1, by 4 in the mean";
  for (const double share : {0.001, 0.05, 0.2, 0.8, 0.95, 0.999})
    EXPECT_NEAR(scatter.share_below(scatter.quantile(share)), share, 1e-12);
  EXPECT_EQ(Scatter(std::vector<double>{5, 5}).share_below(-1e-9), 0) << "no scatter at all";
}

/// How often that many rounds around a ratio are called greater, by the rule that verdicts follow.
std::size_t claims(const Noise& noise, double effect, std::size_t rounds, const ClaimRule& rule, std::size_t experiments,
                   std::mt19937_64& random) {
  std::size_t claimed = 0;
  for (std::size_t i = 0; i < experiments; ++i) {
    std::vector<double> values = rounds_of(noise, rounds, random);
    for (double& value : values) value += effect;
    claimed += p_of_median(values, 0) <= rule.alpha && median(values) > std::log1p(rule.margin) ? 1 : 0;
  }
  return claimed;
}

TEST(Power, OfAKnownScatterIsWhatExperimentsShow) {
  std::mt19937_64 random(5);
  const Scatter scatter(rounds_of(normal, 20'001, random));
  const std::size_t experiments = 4000;
  for (const auto& [rounds, alpha, ratio] :
       {std::tuple{9, 0.05, 1.03}, {15, 0.05, 1.035}, {21, 0.05 / 8, 1.04}, {21, 0.05, 1.02}}) {
    const ClaimRule rule{alpha, 0.02};
    const double power = power_of(scatter, ratio, static_cast<std::size_t>(rounds), rule);
    const std::size_t claimed = claims(normal, std::log(ratio), static_cast<std::size_t>(rounds), rule, experiments, random);
    EXPECT_GE(claimed, least_plausible(experiments, power - 0.02)) << rounds << " rounds, " << ratio;
    EXPECT_LE(claimed, most_plausible(experiments, power + 0.02)) << rounds << " rounds, " << ratio;
  }
}

/// The detectable ratio is estimated from few rounds, then as many new ones have that ratio.
TEST(Power, AtTheDetectableRatioIsAboutEightyPercent) {
  std::mt19937_64 random(6);
  const std::size_t experiments = 2500;
  for (const Noise& noise : {Noise(normal), Noise(disturbed)})
    for (const auto& [rounds, alpha] : {std::pair{9U, 0.05}, {15U, 0.05}, {21U, 0.05 / 8}}) {
      const ClaimRule rule{alpha, 0.02};
      std::size_t claimed = 0;
      for (std::size_t i = 0; i < experiments / 10; ++i) {
        const double ratio = *detectable_ratio(Scatter(rounds_of(noise, rounds, random)), rounds, rule);
        claimed += claims(noise, std::log(ratio), rounds, rule, 10, random);
      }
      EXPECT_GE(static_cast<double>(claimed) / static_cast<double>(experiments), 0.70) << rounds;
      EXPECT_LE(static_cast<double>(claimed) / static_cast<double>(experiments), 0.90) << rounds;
    }
}

TEST(Power, TooFewRoundsDetectNothing) {
  const Scatter scatter(std::vector<double>{-0.01, 0, 0.01, 0.02, 0.03, 0, 0.01});
  EXPECT_TRUE(detectable_ratio(scatter, 7, {0.05, 0.02}).has_value());
  EXPECT_FALSE(detectable_ratio(scatter, 7, {0.05 / 8, 0.02}).has_value());
  EXPECT_FALSE(detectable_ratio(scatter, 5, {0.05, 0.02}).has_value());
}

TEST(Power, WithoutScatterTheMarginIsWhatLimits) {
  const Scatter scatter(std::vector<double>(9, 0.5));
  EXPECT_NEAR(*detectable_ratio(scatter, 9, {0.05, 0.02}), 1.02, 1e-4);
  EXPECT_EQ(rounds_for_precision(scatter, 0.95, 0.02), 6U);
}

TEST(Power, RoundsForAPrecisionGiveIt) {
  std::mt19937_64 random(7);
  const Scatter scatter(rounds_of(normal, 20'001, random));
  const std::size_t rounds = *rounds_for_precision(scatter, 0.95, 0.02);
  EXPECT_GE(rounds, 11U) << "(2.46 x 0.03 / 0.0198)^2 is 14";
  EXPECT_LE(rounds, 17U);
  const std::size_t experiments = 2000;
  std::size_t narrow = 0;
  for (std::size_t i = 0; i < experiments; ++i) {
    const Interval interval = *sign_test_interval(rounds_of(normal, rounds, random));
    narrow += (interval.high - interval.low) / 2 <= std::log1p(0.02) ? 1 : 0;
  }
  EXPECT_GE(narrow, least_plausible(experiments, 0.45)) << "expected, so about every second time";
  EXPECT_FALSE(rounds_for_precision(scatter, 0.95, 0.0005).has_value()) << "more than 1000";
}

}  // namespace
}  // namespace reactorlab::measure
