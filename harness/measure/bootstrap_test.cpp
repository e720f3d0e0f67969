#include "harness/measure/bootstrap.hpp"

#include "harness/measure/geometric_mean.hpp"
#include "harness/measure/normal.hpp"
#include "harness/measure/percentile_interval.hpp"
#include "harness/measure/plausible_counts.hpp"

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace reactorlab::measure {
namespace {

constexpr BootstrapSettings kFew{.resamples = 400, .seed = 1};

TEST(Normal, QuantilesAreThoseOfTheTables) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959964, 1e-6);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-9);
  EXPECT_NEAR(normal_share(-1.644854), 0.05, 1e-6);
  EXPECT_NEAR(student_quantile(0.975, 5), 2.5706, 0.026);
  EXPECT_NEAR(student_quantile(0.999, 5), 5.8934, 0.06);
  EXPECT_NEAR(student_quantile(0.025, 10), -2.2281, 0.001);
  EXPECT_NEAR(student_quantile(0.999, 20), 3.5518, 0.001);
}

double median_of(const std::vector<double>& values, const std::vector<std::size_t>& rounds) {
  std::vector<double> drawn;
  for (const std::size_t round : rounds) drawn.push_back(values[round]);
  return median(std::move(drawn));
}

double mean_of(const std::vector<double>& values, const std::vector<std::size_t>& rounds) {
  return std::accumulate(rounds.begin(), rounds.end(), 0.0, [&](double sum, std::size_t round) { return sum + values[round]; }) /
         static_cast<double>(rounds.size());
}

TEST(Bootstrap, TheSameRoundsGiveTheSameInterval) {
  const std::vector<double> values = {1, 2, 4, 8, 16, 32, 64};
  const auto figure = [&](const Draw& draw) { return mean_of(values, draw[0]); };
  const Interval first = *Bootstrap({7}, figure).interval(), second = *Bootstrap({7}, figure).interval();
  EXPECT_EQ(first.low, second.low);
  EXPECT_EQ(first.high, second.high);
  EXPECT_LT(first.low, 127.0 / 7);
  EXPECT_GT(first.high, 127.0 / 7);
}

TEST(Bootstrap, ClaimsNothingFromTooFewRounds) {
  const auto figure = [](const Draw& draw) { return static_cast<double>(draw[0][0]); };
  EXPECT_FALSE(Bootstrap({5}, figure).interval().has_value());
  EXPECT_FALSE(Bootstrap({9, 5}, figure).interval().has_value()) << "the smallest group counts";
  EXPECT_FALSE(Bootstrap({9}, figure, {.resamples = 20, .seed = 1}).interval().has_value()) << "no draw is beyond its ends";
  const auto nothing = [](const Draw&) { return std::numeric_limits<double>::quiet_NaN(); };
  EXPECT_FALSE(Bootstrap({9}, nothing).interval().has_value());
  EXPECT_EQ(Bootstrap({9}, nothing).p_of(0), 1);
}

TEST(Bootstrap, RejectsExactlyWhatItsIntervalExcludes) {
  std::mt19937_64 random(8);
  std::normal_distribution<double> noise(0, 1);
  int rejected = 0;
  for (int i = 0; i < 300; ++i) {
    std::vector<double> values(9 + random() % 20);
    for (double& value : values) value = noise(random) + 0.6;
    const Bootstrap bootstrap(
        {values.size()}, [&](const Draw& draw) { return mean_of(values, draw[0]); }, kFew);
    const Interval interval = *bootstrap.interval();
    EXPECT_EQ(bootstrap.p_of(0) <= 0.05, interval.low > 0 || interval.high < 0);
    EXPECT_EQ(bootstrap.p_of_outside(-0.5, 1.5) <= 0.05, interval.low >= -0.5 && interval.high <= 1.5);
    rejected += bootstrap.p_of(0) <= 0.05 ? 1 : 0;
  }
  EXPECT_GT(rejected, 30);
  EXPECT_LT(rejected, 270);
}

/// How many of the experiments' intervals hold the truth.
template <class Make>
std::size_t covered(std::size_t experiments, double truth, Make make) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < experiments; ++i) {
    const std::optional<Interval> interval = make();
    count += interval && interval->low <= truth && truth <= interval->high ? 1 : 0;
  }
  return count;
}

TEST(Bootstrap, CoversTheMedianOfASkewedDistribution) {
  std::mt19937_64 random(9);
  std::lognormal_distribution<double> skewed(0, 1);
  for (const std::size_t rounds : {9U, 15U, 21U}) {
    const std::size_t count = covered(600, 1, [&] {
      std::vector<double> values(rounds);
      for (double& value : values) value = skewed(random);
      return Bootstrap(
                 {rounds}, [&](const Draw& draw) { return median_of(values, draw[0]); }, kFew)
          .interval();
    });
    EXPECT_GE(count, least_plausible(600, 0.95)) << rounds;
  }
}

/// As METHODOLOGY says: for means of skewed values it falls short of 95 %, by less than plain percentiles do.
TEST(Bootstrap, FallsShortForTheMeanOfFewSkewedValuesButNotFar) {
  std::mt19937_64 random(10);
  std::exponential_distribution<double> skewed(1);
  const std::size_t count = covered(2000, 1, [&] {
    std::vector<double> values(15);
    for (double& value : values) value = skewed(random);
    return Bootstrap(
               {15}, [&](const Draw& draw) { return mean_of(values, draw[0]); }, kFew)
        .interval();
  });
  EXPECT_GE(count, least_plausible(2000, 0.91));
  EXPECT_LE(count, most_plausible(2000, 0.95));
}

TEST(PercentileInterval, IsOfWhatMergingGives) {
  std::mt19937_64 random(11);
  std::vector<Histogram> rounds(1);
  for (int i = 0; i < 5000; ++i) rounds[0].record(random() % 100'000);
  rounds.resize(6, rounds[0]);
  const Interval interval = *percentile_interval(rounds, 0.99);
  EXPECT_EQ(interval.low, static_cast<double>(rounds[0].percentile(0.99))) << "whatever is drawn of equal rounds is the same";
  EXPECT_EQ(interval.high, interval.low);
  rounds.pop_back();
  EXPECT_FALSE(percentile_interval(rounds, 0.99).has_value()) << "five rounds";
  rounds.emplace_back();
  EXPECT_FALSE(percentile_interval(rounds, 0.99).has_value()) << "one is empty";
  EXPECT_FALSE(percentile_interval({}, 0.99).has_value());
}

/// Latencies of a process share a factor that only other processes show: what makes single requests the wrong thing to draw.
Histogram process_of_requests(std::mt19937_64& random, double process_scatter) {
  std::lognormal_distribution<double> request(std::log(20'000.0), 0.5);
  const double factor = std::lognormal_distribution<double>(0, process_scatter)(random);
  Histogram histogram;
  for (int i = 0; i < 300; ++i) histogram.record(static_cast<std::uint64_t>(factor * request(random)));
  return histogram;
}

TEST(PercentileInterval, CoversThePercentileOfAllProcesses) {
  std::mt19937_64 random(12);
  const double process_scatter = 0.1, spread = std::hypot(0.5, process_scatter);  // a product of two lognormals is one
  for (const double fraction : {0.5, 0.99}) {
    const double truth = 20'000 * std::exp(spread * normal_quantile(fraction));
    const std::size_t count = covered(300, truth, [&] {
      std::vector<Histogram> rounds;
      for (int round = 0; round < 15; ++round) rounds.push_back(process_of_requests(random, process_scatter));
      return percentile_interval(rounds, fraction, 0.95, kFew);
    });
    EXPECT_GE(count, least_plausible(300, 0.93)) << fraction;
  }
}

std::vector<WorkloadRounds> simulated_workloads(const std::vector<double>& ratios, std::mt19937_64& random) {
  std::lognormal_distribution<double> noise(0, 0.03), drift(0, 0.05);
  std::vector<WorkloadRounds> workloads(ratios.size());
  for (int round = 0; round < 12; ++round) {
    const double level = drift(random);  // a round's conditions are those of all its workloads
    for (std::size_t i = 0; i < ratios.size(); ++i) {
      workloads[i].values.push_back(1000 * ratios[i] * level * noise(random));
      workloads[i].baseline.push_back(1000 * level * noise(random));
    }
  }
  return workloads;
}

TEST(GeometricMean, CoversTheTruthOverWorkloads) {
  std::mt19937_64 random(13);
  const std::vector<double> ratios = {0.9, 1.0, 1.05, 1.2};
  const double truth = std::pow(0.9 * 1.05 * 1.2, 0.25);
  for (const Rounds rounds : {Rounds::Paired, Rounds::Independent}) {
    const std::size_t count = covered(400, truth, [&] {
      const auto workloads = simulated_workloads(ratios, random);
      return geometric_mean_ratio(workloads, rounds, 0.95, {.resamples = 300, .seed = 1})->interval;
    });
    EXPECT_GE(count, least_plausible(400, 0.95)) << (rounds == Rounds::Paired ? "paired" : "independent");
  }
}

TEST(GeometricMean, WeighsWorkloadsAlikeAndSkipsWhatARoundLacks) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  std::vector<WorkloadRounds> workloads = {{{2, 2, none, 2, 2, 2}, {1, 1, 1, 1, 1, none}},
                                           {{8, 8, 8, 8, 8, 8}, {1, 1, 1, 1, 1, 1}}};
  EXPECT_NEAR(geometric_mean_ratio(workloads, Rounds::Paired)->value, 4, 1e-12);
  EXPECT_NEAR(geometric_mean_ratio(workloads, Rounds::Paired)->interval->low, 4, 1e-12);
  EXPECT_NEAR(geometric_mean_ratio(workloads, Rounds::Independent)->value, 4, 1e-12);
  EXPECT_EQ(geometric_mean_ratio(workloads, Rounds::Paired)->rounds, 6U);
  workloads[0].values.assign(6, none);
  EXPECT_FALSE(geometric_mean_ratio(workloads, Rounds::Paired).has_value());
  EXPECT_FALSE(geometric_mean_ratio({}, Rounds::Paired).has_value());
}

}  // namespace
}  // namespace reactorlab::measure
