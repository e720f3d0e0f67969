#include "harness/load/ladder.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace reactorlab::load {
namespace {

Step step(double rate, double achieved_ratio, std::uint64_t p99_us) {
  return {rate, rate * achieved_ratio, p99_us * 500, p99_us * 1000};
}

TEST(Ladder, RatesRiseByOneFactorAndEndWhereTheyShould) {
  EXPECT_EQ(parse_ladder("1000:100000:3").rates(), (std::vector<double>{1000, 10000, 100000}));
  EXPECT_EQ(parse_ladder("1000:2000:2").rates(), (std::vector<double>{1000, 2000}));
  const auto rates = parse_ladder("5000:200000:12").rates();
  EXPECT_EQ(rates.size(), 12U);
  EXPECT_EQ(rates.back(), 200000);
  for (std::size_t i = 1; i < rates.size(); ++i) EXPECT_NEAR(rates[i] / rates[i - 1], 1.3984, 0.001);
  EXPECT_EQ(parse_ladder("1:3:10").rates(), (std::vector<double>{1, 2, 3})) << "each whole number once";
}

TEST(Ladder, RefusesWhatIsNone) {
  for (const char* text : {"", ":", "1000", "1000:2000", "1000:2000:", ":2000:3", "1000:2000:3:4", "1000:2000:3x", "a:b:c",
                           "2000:1000:3", "1000:1000:3", "0:1000:3", "-5:1000:3", "1000:2000:1", "1000:2000:2.5", "1000:2000:101",
                           "1000:1e9:3", "nan:2000:3", "1000:inf:3"})
    EXPECT_THROW((void)parse_ladder(text), std::invalid_argument) << text;
}

TEST(Knee, IsTheLastRateBeforeAchievedFallsBehind) {
  const std::vector<Step> steps = {step(1000, 1, 50), step(2000, 1.001, 60), step(4000, 0.99, 70), step(8000, 0.989, 80)};
  const Knee knee = find_knee(steps);
  EXPECT_EQ(knee.sustained, 3U);
  EXPECT_TRUE(knee.reached);
}

TEST(Knee, IsTheLastRateBeforeUsersWaitTenTimesAsLong) {
  const Knee knee = find_knee(std::vector{step(1000, 1, 50), step(2000, 1, 500), step(4000, 1, 501)});
  EXPECT_EQ(knee.sustained, 2U);
  EXPECT_TRUE(knee.reached);
}

TEST(Knee, IsNoLaterRateThatHappensToHoldAgain) {
  const Knee knee = find_knee(std::vector{step(1000, 1, 50), step(2000, 0.9, 60), step(4000, 1, 60)});
  EXPECT_EQ(knee.sustained, 1U);
}

TEST(Knee, MayLieOutsideTheLadder) {
  const Knee below = find_knee(std::vector{step(1000, 0.5, 50)});
  EXPECT_EQ(below.sustained, 0U);
  EXPECT_TRUE(below.reached);
  const Knee beyond = find_knee(std::vector{step(1000, 1, 50), step(2000, 1, 51)});
  EXPECT_EQ(beyond.sustained, 2U);
  EXPECT_FALSE(beyond.reached);
  EXPECT_FALSE(find_knee({}).reached);
}

/// A queue with Poisson arrivals and exponential service times: the response's p99 is ln(100) / (capacity - rate).
TEST(Knee, OfAQueueIsAtNineTenthsOfItsCapacity) {
  constexpr double kCapacity = 100'000;
  const Ladder ladder{1000, 150'000, 100};
  const auto steps = climb(ladder, [&](double rate) -> std::optional<Step> {
    const double p99_ns = 4.605e9 / std::max(kCapacity - rate, 1.0);
    return Step{rate, std::min(rate, kCapacity), static_cast<std::uint64_t>(p99_ns / 2), static_cast<std::uint64_t>(p99_ns)};
  });
  const Knee knee = find_knee(steps);
  ASSERT_TRUE(knee.reached);
  EXPECT_EQ(knee.sustained + 1, steps.size()) << "the ladder ends after the knee";
  const double theory = kCapacity - (kCapacity - 1000) / kKneeFactor;
  EXPECT_LE(steps[knee.sustained - 1].offered_rate, theory);
  EXPECT_GT(steps[knee.sustained].offered_rate, theory);
}

TEST(Climb, GoesToTheTopWhereEverythingIsSustained) {
  const auto steps = climb({1000, 8000, 4}, [](double rate) { return step(rate, 1, 50); });
  EXPECT_EQ(steps.size(), 4U);
}

TEST(Climb, KeepsWhatWasMeasuredWhenItEndsEarly) {
  const auto steps = climb({1000, 8000, 4}, [](double rate) -> std::optional<Step> {
    if (rate > 2500) return std::nullopt;
    return step(rate, 1, 50);
  });
  EXPECT_EQ(steps.size(), 2U);
}

}  // namespace
}  // namespace reactorlab::load
