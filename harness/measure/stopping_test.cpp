// The stopping rule against simulated experiments of known truth.
#include "harness/measure/stopping.hpp"

#include "harness/measure/plausible_counts.hpp"
#include "harness/measure/signs.hpp"

#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace reactorlab::measure {
namespace {

using Noise = std::function<double(std::mt19937_64&)>;  // of median 0

const Noise kNormal = [](std::mt19937_64& random) { return std::normal_distribution<double>(0, 0.02)(random); };
const Noise kSkewed = [](std::mt19937_64& random) {
  return 0.03 * (std::exponential_distribution<double>(1)(random) - std::log(2.0));
};
const Noise kHeavy = [](std::mt19937_64& random) { return std::cauchy_distribution<double>(0, 0.01)(random); };
/// Quiet phases and noisy ones: the rule stops in a quiet one if it can.
const Noise kMixed = [](std::mt19937_64& random) {
  return std::normal_distribution<double>(0, std::bernoulli_distribution(0.3)(random) ? 0.1 : 0.005)(random);
};

using Family = std::vector<Pairs>;

struct End {
  std::size_t rounds;
  Ratio ratio;
};

/// Measures one comparison until it is precise or the rounds are over.
End run(double truth, const Noise& noise, std::size_t most, double half_width, std::mt19937_64& random) {
  const auto looks = looks_until(most);
  const double confidence = confidence_of_looks(looks.size());
  Pairs pairs;
  for (const std::size_t look : looks) {
    while (pairs.size() < look) pairs.push_back({truth * std::exp(noise(random)), 1});
    if (look == most || is_precise(Family{pairs}, half_width, confidence)) break;
  }
  return {pairs.size(), *paired_ratio(pairs, confidence)};
}

TEST(Stopping, LooksAreFixedBeforehand) {
  EXPECT_EQ(looks_until(56), (std::vector<std::size_t>{9, 15, 21, 28, 42, 56}));
  EXPECT_EQ(looks_until(15), (std::vector<std::size_t>{9, 15}));
  EXPECT_EQ(looks_until(4), (std::vector<std::size_t>{4}));
  EXPECT_EQ(looks_until(100), (std::vector<std::size_t>{9, 15, 21, 28, 42, 56, 84, 100}));
  EXPECT_NEAR(confidence_of_looks(1), 0.95, 1e-12);
  EXPECT_NEAR(confidence_of_looks(5), 0.99, 1e-12);
  EXPECT_LE(fewest_rounds(confidence_of_looks(looks_until(56).size())), 9U) << "the first look can be precise";
}

TEST(Stopping, IntervalsHoldTheTruthWhereverItStops) {
  std::mt19937_64 random(31);
  constexpr std::size_t kExperiments = 1500;
  for (const Noise* noise : {&kNormal, &kSkewed, &kHeavy, &kMixed})
    for (const double truth : {1.0, 1.3}) {
      std::size_t held = 0, early = 0;
      for (std::size_t i = 0; i < kExperiments; ++i) {
        const End end = run(truth, *noise, 56, 0.015, random);
        held += end.ratio.interval->low <= truth && truth <= end.ratio.interval->high ? 1 : 0;
        early += end.rounds < 56 ? 1 : 0;
      }
      EXPECT_GE(held, least_plausible(kExperiments, 0.95));
      EXPECT_GT(early, kExperiments / 10) << "or the rule wasn't tested";
    }
}

TEST(Stopping, EqualSidesAreSeldomCalledDifferent) {
  std::mt19937_64 random(32);
  constexpr std::size_t kExperiments = 2000;
  std::size_t different = 0;
  for (std::size_t i = 0; i < kExperiments; ++i) {
    const End end = run(1, kNormal, 56, 0.015, random);
    different += end.ratio.interval->low > 1 || end.ratio.interval->high < 1 ? 1 : 0;
  }
  EXPECT_LE(different, most_plausible(kExperiments, 0.05));
}

TEST(Stopping, QuietCellsStopEarlyAndNoisyOnesGoOn) {
  std::mt19937_64 random(33);
  const Noise quiet = [](std::mt19937_64& r) { return std::normal_distribution<double>(0, 0.002)(r); };
  const Noise loud = [](std::mt19937_64& r) { return std::normal_distribution<double>(0, 0.2)(r); };
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(run(1.2, quiet, 56, 0.01, random).rounds, 9U) << "at the first look";
    EXPECT_EQ(run(1.2, loud, 56, 0.01, random).rounds, 56U);
  }
}

TEST(Stopping, WhatIsFoundDoesNotMatter) {
  std::mt19937_64 one(34), other(34);
  for (int i = 0; i < 200; ++i)
    EXPECT_EQ(run(1, kNormal, 56, 0.015, one).rounds, run(7, kNormal, 56, 0.015, other).rounds) << "only how narrow it is";
}

TEST(Stopping, TheWidestComparisonDecides) {
  std::mt19937_64 random(35);
  Pairs narrow, wide;
  for (int i = 0; i < 21; ++i) {
    narrow.push_back({std::exp(kNormal(random) / 50), 1});
    wide.push_back({std::exp(kNormal(random) * 10), 1});
  }
  const double confidence = confidence_of_looks(6);
  EXPECT_TRUE(is_precise(Family{narrow}, 0.01, confidence));
  EXPECT_FALSE(is_precise(Family{narrow, wide}, 0.01, confidence));
  EXPECT_TRUE(is_precise(Family{narrow, Pairs{}}, 0.01, confidence)) << "not applicable";
  EXPECT_FALSE(is_precise(Family{Pairs{}}, 0.01, confidence));
  EXPECT_FALSE(is_precise(Family{Pairs{{1, 1}, {1, 1}}}, 0.01, confidence)) << "two rounds have no interval";
}

}  // namespace
}  // namespace reactorlab::measure
