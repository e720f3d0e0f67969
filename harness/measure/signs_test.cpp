#include "harness/measure/signs.hpp"

#include "harness/measure/plausible_counts.hpp"
#include "harness/measure/statistics.hpp"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace reactorlab::measure {
namespace {

TEST(BinomialAtMost, IsTheSumOfThePoints) {
  EXPECT_NEAR(binomial_at_most(2, 10), 56.0 / 1024, 1e-15);
  EXPECT_NEAR(binomial_at_most(0, 6), 1.0 / 64, 1e-15);
  EXPECT_NEAR(binomial_at_most(1, 3, 0.2), 0.896, 1e-12);
  EXPECT_EQ(binomial_at_most(3, 3, 0.9), 1);
  EXPECT_EQ(binomial_at_most(2, 3, 1), 0);
  EXPECT_EQ(binomial_at_most(0, 3, 0), 1);
  EXPECT_NEAR(binomial_at_most(1999, 4000), 0.5 - 0.5 * 0.0126, 1e-4) << "its first point is smaller than any double";
}

TEST(SignTestRank, IsThatOfThePublishedTables) {
  for (const auto& [rounds, rank] : {std::pair{5, 0}, {6, 1}, {8, 1}, {9, 2}, {15, 4}, {20, 6}, {25, 8}})
    EXPECT_EQ(sign_test_rank(static_cast<std::size_t>(rounds), 0.95), static_cast<std::size_t>(rank)) << rounds;
  EXPECT_EQ(fewest_rounds(0.95), 6U);
  EXPECT_EQ(fewest_rounds(1 - 0.05 / 8), 9U);
}

/// Small whole numbers, so that many rounds lie on a bound.
std::vector<double> rounds_with_ties(std::mt19937_64& random) {
  std::vector<double> values(6 + random() % 20);
  const auto shift = static_cast<double>(random() % 5) - 2;
  for (double& value : values) value = static_cast<double>(random() % 5) - 2 + shift;
  return values;
}

TEST(SignTest, RejectsExactlyWhatTheIntervalExcludes) {
  std::mt19937_64 random(1);
  int rejected = 0, inside = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::vector<double> values = rounds_with_ties(random);
    const Interval interval = *sign_test_interval(values);
    EXPECT_EQ(p_of_median(values, 0) <= 0.05, interval.low > 0 || interval.high < 0);
    EXPECT_EQ(p_of_median_outside(values, -2, 1) <= 0.05, interval.low >= -2 && interval.high <= 1);
    rejected += p_of_median(values, 0) <= 0.05 ? 1 : 0;
    inside += p_of_median_outside(values, -2, 1) <= 0.05 ? 1 : 0;
  }
  EXPECT_GT(rejected, 400);
  EXPECT_GT(inside, 400);
}

TEST(SignTest, RejectsTheTruthAsOftenAsItSays) {
  std::mt19937_64 random(2);
  std::exponential_distribution<double> skewed(1);
  const double truth = std::log(2);  // its median
  const std::size_t experiments = 20'000;
  std::size_t rejected = 0;
  for (std::size_t i = 0; i < experiments; ++i) {
    std::vector<double> values(9);
    for (double& value : values) value = skewed(random);
    rejected += p_of_median(values, truth) <= 0.05 ? 1 : 0;
  }
  const double size = 2 * 10.0 / 512;  // 0 or 1 of 9 rounds on one side
  EXPECT_GE(rejected, least_plausible(experiments, size));
  EXPECT_LE(rejected, most_plausible(experiments, size));
}

TEST(SignTest, WhatLiesAtTheMarginIsSeldomCalledInside) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> noise(0.02, 0.01);
  const std::size_t experiments = 20'000;
  std::size_t called_inside = 0;
  for (std::size_t i = 0; i < experiments; ++i) {
    std::vector<double> values(25);
    for (double& value : values) value = noise(random);
    called_inside += p_of_median_outside(values, -0.02, 0.02) <= 0.05 ? 1 : 0;
  }
  EXPECT_LE(called_inside, most_plausible(experiments, 0.025));
  EXPECT_GE(called_inside, least_plausible(experiments, 0.021)) << "7 of 25 rounds or fewer above: 0.0216";
}

}  // namespace
}  // namespace reactorlab::measure
