#include "harness/measure/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace reactorlab::measure {
namespace {

TEST(Histogram, EmptyHasNoPercentiles) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.percentile(0.5), 0U);
  EXPECT_EQ(histogram.min(), 0U);
  EXPECT_FALSE(histogram.supported_percentile(0.5).has_value());
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (std::uint64_t ns = 1; ns <= 500; ++ns) histogram.record(ns);
  EXPECT_EQ(histogram.percentile(0.5), 250U);
  EXPECT_EQ(histogram.percentile(0.01), 5U);
  EXPECT_EQ(histogram.percentile(1.0), 500U);
  EXPECT_EQ(histogram.min(), 1U);
}

TEST(Histogram, EveryMagnitudeIsKnownToATenthOfAPercent) {
  for (std::uint64_t ns = 1; ns < (std::uint64_t{1} << 40); ns = ns * 5 / 4 + 1) {
    Histogram histogram;
    histogram.record(ns);
    histogram.record(UINT64_MAX);  // keeps the maximum from clamping the bucket's end
    const auto reported = histogram.percentile(0.5);
    EXPECT_GE(reported, ns);
    EXPECT_LE(static_cast<double>(reported), static_cast<double>(ns) * (1 + 1.0 / 1024));
  }
}

TEST(Histogram, AgreesWithSortedValues) {
  std::mt19937_64 random(11);
  std::lognormal_distribution<double> latency(11, 1.5);
  std::vector<std::uint64_t> values(20000);
  Histogram histogram;
  for (auto& value : values) histogram.record(value = static_cast<std::uint64_t>(latency(random)) + 1);
  std::sort(values.begin(), values.end());
  for (const double fraction : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(values.size())));
    const auto exact = static_cast<double>(values[rank - 1]);
    const auto reported = static_cast<double>(histogram.percentile(fraction));
    EXPECT_GE(reported, exact);
    EXPECT_LE(reported, exact * 1.001);
  }
}

TEST(Histogram, MergeEqualsRecordingEverythingInOne) {
  std::mt19937_64 random(12);
  Histogram all, even, odd;
  for (int i = 0; i < 5000; ++i) {
    const std::uint64_t ns = random() % 1'000'000'000;
    all.record(ns);
    (i % 2 == 0 ? even : odd).record(ns);
  }
  even.merge(odd);
  EXPECT_EQ(even.count(), all.count());
  EXPECT_EQ(even.min(), all.min());
  EXPECT_EQ(even.max(), all.max());
  for (double fraction = 0.001; fraction <= 1.0; fraction += 0.001) EXPECT_EQ(even.percentile(fraction), all.percentile(fraction));
}

TEST(Histogram, MeanAndDeviationAreThoseOfTheValues) {
  std::mt19937_64 random(13);
  std::exponential_distribution<double> latency(1e-6);
  Histogram histogram;
  double sum = 0, squares = 0;
  constexpr int kValues = 20000;
  for (int i = 0; i < kValues; ++i) {
    const auto ns = static_cast<std::uint64_t>(latency(random));
    histogram.record(ns);
    sum += static_cast<double>(ns);
    squares += static_cast<double>(ns) * static_cast<double>(ns);
  }
  const double mean = sum / kValues;
  EXPECT_NEAR(histogram.mean(), mean, mean * 0.0005);
  EXPECT_NEAR(histogram.standard_deviation(), std::sqrt(squares / kValues - mean * mean), mean * 0.001);
  EXPECT_EQ(Histogram().mean(), 0);
  EXPECT_EQ(Histogram().standard_deviation(), 0);
}

TEST(Histogram, RecordedBucketsHoldEveryValueOnce) {
  Histogram histogram;
  const std::vector<std::uint64_t> values = {0, 1, 2047, 2048, 2049, 2050, 4096, 1'000'000, 1'000'001, 999'999'999'999};
  for (const std::uint64_t ns : values) histogram.record(ns);
  std::size_t at = 0;
  std::uint64_t beyond = 0;
  for (const Histogram::Bucket& bucket : histogram.recorded()) {
    EXPECT_GE(bucket.first, beyond);
    for (std::uint64_t i = 0; i < bucket.count; ++i, ++at) {
      ASSERT_LT(at, values.size());
      EXPECT_GE(values[at], bucket.first);
      EXPECT_LE(values[at], bucket.last);
    }
    beyond = bucket.last + 1;
  }
  EXPECT_EQ(at, values.size());
  EXPECT_EQ(histogram.recorded()[3].last, 2049U) << "pairs from 2048 on";
}

TEST(Histogram, ValuesBeyondTheLastBucketCountAsTheLargest) {
  Histogram histogram;
  histogram.record(UINT64_MAX);
  EXPECT_EQ(histogram.count(), 1U);
  EXPECT_EQ(histogram.max(), UINT64_MAX);
}

TEST(Histogram, APercentileNeedsValuesBeyondIt) {
  Histogram histogram;
  for (int i = 0; i < 2999; ++i) histogram.record(100);
  EXPECT_FALSE(histogram.supported_percentile(0.99).has_value());
  histogram.record(100);
  EXPECT_TRUE(histogram.supported_percentile(0.99).has_value());
  EXPECT_FALSE(histogram.supported_percentile(0.999).has_value());
}

}  // namespace
}  // namespace reactorlab::measure
