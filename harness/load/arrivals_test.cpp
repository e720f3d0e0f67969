#include "harness/load/arrivals.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <gtest/gtest.h>

namespace reactorlab::load {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

TEST(Schedule, ConstantRatesHaveExactCountsAndGaps) {
  for (const double rate : {0.5, 1.0, 3.0, 997.0, 20'000.0, 123'456.0, 1'000'000.0}) {
    const auto times = schedule_of(Arrivals::Constant, rate, 10 * kSecond, 1);
    EXPECT_EQ(static_cast<double>(times.size()), 10 * rate);
    EXPECT_EQ(times.front(), 0U);
    for (std::size_t i = 0; i < times.size(); ++i)
      ASSERT_NEAR(static_cast<double>(times[i]), static_cast<double>(i) * 1e9 / rate, 0.51) << i << " at " << rate << "/s";
  }
}

TEST(Schedule, ConstantRatesKeepTheirPaceForAnHour) {
  const auto times = schedule_of(Arrivals::Constant, 997, 3600 * kSecond, 1);
  EXPECT_EQ(times.size(), 997U * 3600);
  EXPECT_EQ(times[997U * 3599], 3599 * kSecond) << "rounding doesn't add up";
}

TEST(Schedule, PoissonIsTheSeedsAndAscends) {
  const auto times = schedule_of(Arrivals::Poisson, 10'000, kSecond, 7);
  EXPECT_EQ(times, schedule_of(Arrivals::Poisson, 10'000, kSecond, 7));
  EXPECT_NE(times, schedule_of(Arrivals::Poisson, 10'000, kSecond, 8));
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  EXPECT_LT(times.back(), kSecond);
  const auto twice_as_long = schedule_of(Arrivals::Poisson, 10'000, 2 * kSecond, 7);
  EXPECT_TRUE(std::equal(times.begin(), times.end(), twice_as_long.begin())) << "a longer schedule begins as the shorter one";
}

/// Of n independent exponential gaps of mean 1: the mean has deviation 1/sqrt(n), the variance sqrt(8/n), the share above x
/// sqrt(p(1-p)/n). A count in a fixed time has deviation sqrt(n). Six of them are left with a probability below 1e-8.
TEST(Schedule, PoissonGapsAreExponentialAndIndependent) {
  constexpr double kRate = 50'000;
  constexpr double kSigmas = 6;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const auto times = schedule_of(Arrivals::Poisson, kRate, 20 * kSecond, seed);
    const auto n = static_cast<double>(times.size());
    EXPECT_NEAR(n, 20 * kRate, kSigmas * std::sqrt(20 * kRate));

    double sum = 0, squares = 0, neighbours = 0, previous = 1;
    std::uint64_t above_one = 0, above_three = 0, before = 0;
    for (const std::uint64_t at : times) {
      const double gap = static_cast<double>(at - before) * kRate * 1e-9;
      before = at;
      sum += gap;
      squares += gap * gap;
      neighbours += (gap - 1) * (previous - 1);
      previous = gap;
      above_one += gap > 1 ? 1 : 0;
      above_three += gap > 3 ? 1 : 0;
    }
    const double mean = sum / n;
    EXPECT_NEAR(mean, 1, kSigmas / std::sqrt(n));
    EXPECT_NEAR(squares / n - mean * mean, 1, kSigmas * std::sqrt(8 / n));
    EXPECT_NEAR(neighbours / n, 0, kSigmas / std::sqrt(n)) << "a gap says nothing about the next one";
    for (const auto& [x, above] : {std::pair{1.0, above_one}, std::pair{3.0, above_three}}) {
      const double share = std::exp(-x);
      EXPECT_NEAR(static_cast<double>(above) / n, share, kSigmas * std::sqrt(share * (1 - share) / n)) << x;
    }
  }
}

TEST(Schedule, RefusesWhatItCannotHold) {
  EXPECT_THROW((void)schedule_of(Arrivals::Constant, 0, kSecond, 1), std::invalid_argument);
  EXPECT_THROW((void)schedule_of(Arrivals::Poisson, -1, kSecond, 1), std::invalid_argument);
  EXPECT_THROW((void)schedule_of(Arrivals::Poisson, std::nan(""), kSecond, 1), std::invalid_argument);
  EXPECT_THROW((void)schedule_of(Arrivals::Constant, 1e6, 3600 * kSecond, 1), std::invalid_argument);
  EXPECT_TRUE(schedule_of(Arrivals::Constant, 1000, 0, 1).empty());
}

}  // namespace
}  // namespace reactorlab::load
