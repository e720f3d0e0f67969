#include "harness/measure/comparison.hpp"

#include "harness/measure/plausible_counts.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace reactorlab::measure {
namespace {

constexpr Judging kNoMargin{.direction = Direction::LowerIsFaster, .margin = 0, .confidence = 0.95};

/// Contenders of one baseline: it is measured once a round, so the comparisons depend on each other.
std::vector<Pairs> simulated_family(const std::vector<double>& ratios, std::size_t rounds, std::mt19937_64& random) {
  std::lognormal_distribution<double> drift(0, 0.10), own(0, 0.03);
  std::vector<Pairs> family(ratios.size());
  for (std::size_t round = 0; round < rounds; ++round) {
    const double level = drift(random), baseline = level * own(random);
    for (std::size_t i = 0; i < ratios.size(); ++i) family[i].push_back({ratios[i] * level * own(random), baseline});
  }
  return family;
}

bool is_difference(const std::optional<Comparison>& one) {
  return one->verdict == Verdict::Faster || one->verdict == Verdict::Slower;
}

std::size_t differences(const std::vector<std::optional<Comparison>>& family) {
  return static_cast<std::size_t>(std::count_if(family.begin(), family.end(), is_difference));
}

TEST(ComparePaired, OneAloneIsJudgedByItsInterval) {
  std::mt19937_64 random(14);
  for (const double ratio : {0.9, 0.99, 1.0, 1.03, 1.1})
    for (std::size_t rounds = 5; rounds < 40; ++rounds) {
      const auto family = simulated_family({ratio}, rounds, random);
      const Comparison one = *compare_paired(family, {}).front();
      EXPECT_EQ(one.verdict, verdict_of(*paired_ratio(family[0]), Direction::LowerIsFaster)) << ratio << ", " << rounds;
      EXPECT_EQ(one.significance.family, 1U);
    }
}

TEST(ComparePaired, IdenticalSidesAreSeldomCalledDifferent) {
  std::mt19937_64 random(15);
  const std::size_t experiments = 1000;
  std::size_t alone = 0, any_uncorrected = 0, any_corrected = 0;
  for (std::size_t i = 0; i < experiments; ++i) {
    const auto family = simulated_family(std::vector<double>(10, 1.0), 12, random);
    std::size_t uncorrected = 0;
    for (const Pairs& pairs : family) uncorrected += differences(compare_paired({&pairs, 1}, kNoMargin));
    alone += differences(compare_paired({family.data(), 1}, kNoMargin));
    any_uncorrected += uncorrected > 0 ? 1 : 0;
    any_corrected += differences(compare_paired(family, kNoMargin)) > 0 ? 1 : 0;
  }
  EXPECT_LE(alone, most_plausible(experiments, 0.05));
  EXPECT_GE(any_uncorrected, least_plausible(experiments, 0.10)) << "ten chances to be wrong";
  EXPECT_LE(any_corrected, most_plausible(experiments, 0.05));
}

TEST(ComparePaired, WhatLiesAtTheMarginIsSeldomCalledEquivalent) {
  std::mt19937_64 random(16);
  const std::size_t experiments = 2000;
  const Judging judging{.direction = Direction::LowerIsFaster, .margin = 0.05, .confidence = 0.95};
  std::size_t wrong = 0, right = 0;
  for (std::size_t i = 0; i < experiments; ++i) {
    wrong += compare_paired(simulated_family({1.05}, 25, random), judging).front()->verdict == Verdict::Equivalent ? 1 : 0;
    right += compare_paired(simulated_family({1.00}, 25, random), judging).front()->verdict == Verdict::Equivalent ? 1 : 0;
  }
  EXPECT_LE(wrong, most_plausible(experiments, 0.025));
  EXPECT_GE(right, least_plausible(experiments, 0.5));
}

TEST(ComparePaired, AtTheDetectableRatioVerdictsComeInAboutEightyPercent) {
  std::mt19937_64 random(17);
  const std::size_t experiments = 2000;
  std::size_t slower = 0, faster = 0, estimates = 0;
  while (estimates < experiments) {
    const Comparison before = *compare_paired(simulated_family({1.0}, 15, random), {}).front();
    if (before.verdict != Verdict::Inconclusive) continue;
    ++estimates;
    const double ratio = *before.outlook.detectable;
    slower += compare_paired(simulated_family({ratio}, 15, random), {}).front()->verdict == Verdict::Slower ? 1 : 0;
    faster += compare_paired(simulated_family({1 / ratio}, 15, random), {}).front()->verdict == Verdict::Faster ? 1 : 0;
  }
  for (const std::size_t found : {slower, faster}) {
    EXPECT_GE(static_cast<double>(found) / static_cast<double>(experiments), 0.70);
    EXPECT_LE(static_cast<double>(found) / static_cast<double>(experiments), 0.90);
  }
}

TEST(ComparePaired, AFamilyNeedsMoreRoundsThanOne) {
  std::mt19937_64 random(18);
  const auto family = simulated_family(std::vector<double>(8, 2.0), 7, random);
  EXPECT_TRUE(is_difference(compare_paired({family.data(), 1}, {}).front()));
  for (const auto& one : compare_paired(family, {})) {
    EXPECT_EQ(one->verdict, Verdict::Inconclusive) << "7 rounds: p is 1/64, times 8";
    EXPECT_NEAR(one->significance.different, 8.0 / 64, 1e-12);
    EXPECT_FALSE(one->outlook.detectable.has_value());
    EXPECT_GE(one->outlook.rounds.value_or(9), 9U);
  }
  EXPECT_EQ(differences(compare_paired(simulated_family(std::vector<double>(8, 2.0), 9, random), {})), 8U);
}

TEST(ComparePaired, WhatHasNoPairsIsNoneOfTheFamily) {
  std::mt19937_64 random(19);
  auto family = simulated_family({2.0, 2.0}, 7, random);
  family.insert(family.begin(), Pairs{});
  const auto comparisons = compare_paired(family, {});
  EXPECT_FALSE(comparisons[0].has_value());
  EXPECT_EQ(comparisons[1]->significance.family, 2U);
  EXPECT_EQ(comparisons[2]->verdict, Verdict::Slower);
}

Independent simulated_runs(double ratio, std::size_t rounds, std::mt19937_64& random) {
  std::lognormal_distribution<double> noise(0, 0.03);
  std::exponential_distribution<double> spike(1);
  const auto cost = [&] { return 1000 * noise(random) * (random() % 10 == 0 ? 1 + 0.2 * spike(random) : 1); };
  Independent runs;
  for (std::size_t round = 0; round < rounds; ++round) {
    runs.values.push_back(ratio * cost());
    runs.baseline.push_back(cost());
  }
  return runs;
}

constexpr BootstrapSettings kFew{.resamples = 400, .seed = 1};

TEST(CompareIndependent, CoversTheTruthAndSeldomCallsEqualRunsDifferent) {
  std::mt19937_64 random(20);
  const std::size_t experiments = 400;
  std::size_t covered = 0, different = 0, upheld = 0;
  for (std::size_t i = 0; i < experiments; ++i) {
    const Comparison one = *compare_independent(std::vector{simulated_runs(1.1, 15, random)}, {}, kFew).front();
    covered += one.ratio.interval->low <= 1.1 && 1.1 <= one.ratio.interval->high ? 1 : 0;
    upheld += one.verdict == Verdict::Slower ? 1 : 0;
    different += differences(compare_independent(std::vector{simulated_runs(1, 15, random)}, kNoMargin, kFew));
  }
  EXPECT_GE(covered, least_plausible(experiments, 0.95));
  EXPECT_LE(different, most_plausible(experiments, 0.05));
  EXPECT_GE(upheld, least_plausible(experiments, 0.9)) << "10 % is far beyond their noise";
}

TEST(CompareIndependent, AFamilyOfEqualRunsGivesOneErrorOrMoreAsRarelyAsOne) {
  std::mt19937_64 random(21);
  const BootstrapSettings settings{.resamples = 2000, .seed = 1};  // a share of 0.0016 lies beyond the ends that Holm asks for
  const std::size_t experiments = 60;
  std::size_t wrong = 0, right = 0;
  for (std::size_t i = 0; i < experiments; ++i) {
    std::vector<Independent> family;
    for (int k = 0; k < 3; ++k) family.push_back(simulated_runs(1, 12, random));
    wrong += differences(compare_independent(family, kNoMargin, settings)) > 0 ? 1 : 0;
    for (double& value : family[1].values) value *= 1.2;
    right += is_difference(compare_independent(family, kNoMargin, settings)[1]) ? 1 : 0;
  }
  EXPECT_LE(wrong, most_plausible(experiments, 0.05));
  EXPECT_GE(right, least_plausible(experiments, 0.9));
}

TEST(CompareIndependent, SaysWhatItWouldTake) {
  std::mt19937_64 random(22);
  const Comparison one = *compare_independent(std::vector{simulated_runs(1, 9, random)}, {}, kFew).front();
  ASSERT_EQ(one.verdict, Verdict::Inconclusive);
  EXPECT_GT(*one.outlook.detectable, 1.02);
  EXPECT_LT(*one.outlook.detectable, 1.2);
  EXPECT_GT(*one.outlook.rounds, 9U);
  EXPECT_FALSE(compare_independent(std::vector{simulated_runs(1, 5, random)}, {}).front()->ratio.interval.has_value());
  EXPECT_FALSE(compare_independent(std::vector{Independent{{1, 2}, {}}}, {}).front().has_value());
}

}  // namespace
}  // namespace reactorlab::measure
