#include "harness/measure/statistics.hpp"

#include "harness/measure/plausible_counts.hpp"

#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace reactorlab::measure {
namespace {

TEST(Median, MiddleOrMeanOfTheMiddleTwo) {
  EXPECT_DOUBLE_EQ(median({3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_DOUBLE_EQ(median({7}), 7);
}

TEST(SignTestInterval, RanksAreThoseOfTheBinomialTable) {
  // n: smallest n with rank k at 95 %, from the table of the binomial distribution.
  const auto interval = [](int n) {
    std::vector<double> values;
    for (int i = 1; i <= n; ++i) values.push_back(i);
    return sign_test_interval(values);
  };
  EXPECT_FALSE(interval(5).has_value());
  EXPECT_DOUBLE_EQ(interval(6)->low, 1);
  EXPECT_DOUBLE_EQ(interval(6)->high, 6);
  EXPECT_NEAR(interval(6)->confidence, 1 - 2.0 / 64, 1e-12);
  EXPECT_DOUBLE_EQ(interval(8)->low, 1);
  EXPECT_DOUBLE_EQ(interval(9)->low, 2);
  EXPECT_DOUBLE_EQ(interval(9)->high, 8);
  EXPECT_DOUBLE_EQ(interval(15)->low, 4);
  EXPECT_DOUBLE_EQ(interval(15)->high, 12);
  EXPECT_DOUBLE_EQ(interval(25)->low, 8);
}

TEST(SignTestInterval, NeverLessConfidentThanAsked) {
  for (int n = 6; n < 80; ++n)
    EXPECT_GE(sign_test_interval(std::vector<double>(static_cast<std::size_t>(n), 1.0))->confidence, 0.95);
}

constexpr std::size_t kExperiments = 4000;

/// The number of simulated experiments whose interval contains the true ratio.
std::size_t covered(double truth, std::size_t rounds, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> common(0, 0.10);  // drift that both sides of a round see
  std::lognormal_distribution<double> own(0, 0.04);
  std::exponential_distribution<double> spike(1);
  const auto noise = [&] { return own(random) * (1 + (random() % 10 == 0 ? 0.3 * spike(random) : 0)); };
  std::size_t count = 0;
  for (std::size_t i = 0; i < kExperiments; ++i) {
    std::vector<Pair> pairs;
    for (std::size_t round = 0; round < rounds; ++round) {
      const double level = common(random);
      pairs.push_back({.value = truth * level * noise(), .baseline = level * noise()});
    }
    const Interval interval = *paired_ratio(pairs)->interval;
    count += interval.low <= truth && truth <= interval.high ? 1 : 0;
  }
  return count;
}

TEST(PairedRatio, IntervalCoversTheTruthAsOftenAsItSays) {
  EXPECT_GE(covered(1.00, 7, 1), least_plausible(kExperiments, 0.95));
  EXPECT_GE(covered(1.05, 9, 2), least_plausible(kExperiments, 0.95));
  EXPECT_GE(covered(0.80, 15, 3), least_plausible(kExperiments, 0.95));
  EXPECT_LE(covered(1.00, 15, 4), most_plausible(kExperiments, 0.965)) << "an interval that always covers says nothing";
}

TEST(PairedRatio, IsTheMedianOfTheRoundsNotTheRatioOfTheMedians) {
  const std::vector<Pair> pairs = {{10, 10}, {22, 20}, {33, 30}};
  EXPECT_NEAR(paired_ratio(pairs)->value, 1.1, 1e-12);
  EXPECT_FALSE(paired_ratio(pairs)->interval.has_value());
  EXPECT_FALSE(paired_ratio(std::vector<Pair>{{0, 1}, {1, 0}}).has_value());
}

Ratio ratio(double low, double value, double high) { return {value, Interval{low, high, 0.95}, 9}; }

TEST(Verdict, FollowsIntervalAndMargin) {
  const auto lower = Direction::LowerIsFaster;
  EXPECT_EQ(verdict_of(ratio(0.90, 0.93, 0.97), lower), Verdict::Faster);
  EXPECT_EQ(verdict_of(ratio(1.03, 1.05, 1.09), lower), Verdict::Slower);
  EXPECT_EQ(verdict_of(ratio(0.985, 1.0, 1.015), lower), Verdict::Equivalent);
  EXPECT_EQ(verdict_of(ratio(1.002, 1.01, 1.015), lower), Verdict::Equivalent) << "real, but of no consequence";
  EXPECT_EQ(verdict_of(ratio(1.002, 1.015, 1.04), lower), Verdict::Inconclusive) << "beyond 1, value within the margin";
  EXPECT_EQ(verdict_of(ratio(0.95, 1.04, 1.10), lower), Verdict::Inconclusive);
  EXPECT_EQ(verdict_of({1.5, std::nullopt, 5}, lower), Verdict::Inconclusive);
  EXPECT_EQ(verdict_of(ratio(1.03, 1.05, 1.09), Direction::HigherIsFaster), Verdict::Faster);
  EXPECT_EQ(verdict_of(ratio(0.90, 0.93, 0.97), Direction::HigherIsFaster), Verdict::Slower);
}

TEST(Verdict, IdenticalSidesAreSeldomCalledDifferent) {
  std::mt19937_64 random(5);
  std::lognormal_distribution<double> noise(0, 0.03);
  int different = 0;
  const int experiments = 2000;
  for (int i = 0; i < experiments; ++i) {
    std::vector<Pair> pairs;
    for (int round = 0; round < 9; ++round) pairs.push_back({noise(random), noise(random)});
    const Verdict verdict = verdict_of(*paired_ratio(pairs), Direction::LowerIsFaster);
    different += verdict == Verdict::Faster || verdict == Verdict::Slower;
  }
  EXPECT_LE(different, experiments * 5 / 100);
}

}  // namespace
}  // namespace reactorlab::measure
