#include "harness/measure/ranking.hpp"

#include "harness/measure/plausible_counts.hpp"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace reactorlab::measure {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// Each entry's true cost, in rounds whose level drifts, with a scatter of each sample's own.
WeightedCell simulated(double weight, const std::vector<double>& costs, std::size_t rounds, double scatter,
                       std::mt19937_64& random) {
  std::lognormal_distribution<double> drift(0, 0.3), own(0, scatter);
  WeightedCell cell{weight, std::vector<std::vector<double>>(costs.size())};
  for (std::size_t round = 0; round < rounds; ++round) {
    const double level = drift(random);
    for (std::size_t entry = 0; entry < costs.size(); ++entry) cell.costs[entry].push_back(costs[entry] * level * own(random));
  }
  return cell;
}

TEST(RankByMean, IsTheWeightedGeometricMean) {
  std::mt19937_64 random(1);
  const std::vector<WeightedCell> cells = {simulated(3, {100, 200}, 9, 1e-9, random), simulated(1, {8, 1}, 9, 1e-9, random)};
  const auto ranked = rank_by_mean(cells);
  ASSERT_EQ(ranked.size(), 2U);
  EXPECT_EQ(ranked[0].entry, 0U);
  EXPECT_NEAR(ranked[1].to_best.value, std::exp(0.75 * std::log(2) + 0.25 * std::log(1.0 / 8)), 1e-6);
  EXPECT_EQ(ranked[1].rank, 1U) << "2^0.75 / 8^0.25 is 1: nothing parts them";
  EXPECT_TRUE(ranked[0].tied);
  const std::vector<WeightedCell> other = {{1, cells[0].costs}, {3, cells[1].costs}};
  const auto reversed = rank_by_mean(other);
  EXPECT_EQ(reversed[0].entry, 1U) << "other weights, another winner";
  EXPECT_EQ(reversed[1].rank, 2U);
  EXPECT_FALSE(reversed[1].tied);
}

TEST(RankByMean, WhatIntervalsDoNotPartSharesARank) {
  std::mt19937_64 random(2);
  const std::vector<WeightedCell> cells = {simulated(1, {100, 101, 150, 151, 300}, 21, 0.02, random),
                                           simulated(1, {100, 101, 150, 151, 300}, 21, 0.02, random)};
  const auto ranked = rank_by_mean(cells);
  std::vector<std::size_t> ranks, tied;
  for (const Ranked& one : ranked) ranks.push_back(one.rank), tied.push_back(one.tied ? 1 : 0);
  EXPECT_EQ(ranks, (std::vector<std::size_t>{1, 1, 3, 3, 5}));
  EXPECT_EQ(tied, (std::vector<std::size_t>{1, 1, 1, 1, 0}));
  EXPECT_FALSE(ranked[0].to_best.interval.has_value()) << "it is the best itself";
  EXPECT_LE(ranked[4].to_best.interval->low, 3.0);
  EXPECT_GE(ranked[4].to_best.interval->high, 3.0);
}

TEST(RankByMean, WhoIsKnownBadlyIsPartedFromFewer) {
  std::mt19937_64 random(8);
  WeightedCell cell = simulated(1, {100, 120, 140}, 15, 0.01, random);
  for (std::size_t round = 0; round < 15; ++round) cell.costs[2][round] *= round % 2 == 0 ? 3 : 1.0 / 3;
  const auto ranked = rank_by_mean(std::vector{cell});
  for (std::size_t i = 1; i < ranked.size(); ++i) EXPECT_LE(ranked[i - 1].rank, ranked[i].rank) << "the list is by rank";
  for (const Ranked& one : ranked) EXPECT_EQ(one.rank, one.entry == 1 ? 2U : 1U) << one.entry;
}

TEST(RankByMean, ASureDifferenceWithinTheMarginIsATie) {
  std::mt19937_64 random(3);
  const std::vector<WeightedCell> cells = {simulated(1, {100, 101}, 21, 1e-4, random)};
  EXPECT_EQ(rank_by_mean(cells)[1].rank, 1U);
  EXPECT_EQ(rank_by_mean(cells, {.margin = 0.001})[1].rank, 2U);
}

TEST(RankByMean, TooFewRoundsPartNobody) {
  std::mt19937_64 random(4);
  const std::vector<WeightedCell> cells = {simulated(1, {100, 900}, 7, 0.01, random)};
  const auto ranked = rank_by_mean(cells);
  EXPECT_EQ(ranked[1].rank, 1U);
  EXPECT_FALSE(ranked[1].to_best.interval.has_value());
  EXPECT_NEAR(ranked[1].to_best.value, 9, 0.5);
}

TEST(RankByMean, ARoundThatOneLacksCountsForNobody) {
  std::mt19937_64 random(5);
  WeightedCell cell = simulated(1, {100, 200}, 10, 0.01, random);
  const auto whole = rank_by_mean(std::vector{cell});
  cell.costs[0][3] = kNone;
  cell.costs[1][3] = 1e9;  // would pull the median if it counted
  const auto ranked = rank_by_mean(std::vector{cell});
  EXPECT_EQ(ranked[1].to_best.rounds, 9U);
  EXPECT_NEAR(ranked[1].to_best.value, whole[1].to_best.value, 0.05);
  for (double& value : cell.costs[0]) value = kNone;
  EXPECT_TRUE(rank_by_mean(std::vector{cell}).empty()) << "no round has both";
  EXPECT_TRUE(rank_by_mean({}).empty());
}

TEST(RankByMean, EqualEntriesAreSeldomParted) {
  std::mt19937_64 random(6);
  constexpr std::size_t kExperiments = 150;
  std::size_t parted = 0;  // of two equal entries, at 99 % each
  for (std::size_t i = 0; i < kExperiments; ++i) {
    const std::vector<WeightedCell> cells = {simulated(1, {100, 100}, 15, 0.05, random), simulated(2, {7, 7}, 15, 0.05, random)};
    parted += rank_by_mean(cells, {.margin = 0, .bootstrap = {.resamples = 2000, .seed = 1}})[1].rank == 2 ? 1 : 0;
  }
  EXPECT_LE(parted, most_plausible(kExperiments, 0.02)) << "the bootstrap's 99 % are nominal";
}

TEST(RankByMean, DifferentEntriesArePartedWhereTheRoundsSuffice) {
  std::mt19937_64 random(7);
  constexpr std::size_t kExperiments = 50;
  std::size_t parted = 0;
  for (std::size_t i = 0; i < kExperiments; ++i) {
    const std::vector<WeightedCell> cells = {simulated(1, {100, 115}, 15, 0.03, random)};
    const auto ranked = rank_by_mean(cells, {.bootstrap = {.resamples = 2000, .seed = 1}});
    parted += ranked[1].rank == 2 && ranked[1].entry == 1 ? 1 : 0;
  }
  EXPECT_EQ(parted, kExperiments);
}

}  // namespace
}  // namespace reactorlab::measure
