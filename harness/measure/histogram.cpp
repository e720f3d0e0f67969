#include "harness/measure/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace reactorlab::measure {
namespace {

double middle_of(const Histogram::Bucket& bucket) {
  return (static_cast<double>(bucket.first) + static_cast<double>(bucket.last)) / 2;
}

}  // namespace

Histogram::Histogram() : buckets_(index_of(kMaxValue) + 1) {}

void Histogram::merge(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

void Histogram::clear() noexcept {
  std::fill(buckets_.begin(), buckets_.end(), 0);
  count_ = 0;
  min_ = UINT64_MAX;
  max_ = 0;
}

std::uint64_t Histogram::last_value_of(std::size_t index) noexcept {
  // The first 2 * kSubBuckets buckets are exact; each later shift adds kSubBuckets buckets of twice the width.
  if (index < 2 * kSubBuckets) return index;
  const auto shift = static_cast<unsigned>((index >> kSubBits) - 1);
  const std::uint64_t sub = index - (static_cast<std::uint64_t>(shift) << kSubBits);
  return ((sub + 1) << shift) - 1;
}

std::vector<Histogram::Bucket> Histogram::recorded() const {
  std::vector<Bucket> found;
  for (std::size_t i = 0; i < buckets_.size(); ++i)
    if (buckets_[i] != 0) found.push_back({i == 0 ? 0 : last_value_of(i - 1) + 1, last_value_of(i), buckets_[i]});
  return found;
}

double Histogram::mean() const {
  if (count_ == 0) return 0;
  double sum = 0;
  for (const Bucket& bucket : recorded()) sum += middle_of(bucket) * static_cast<double>(bucket.count);
  return sum / static_cast<double>(count_);
}

double Histogram::standard_deviation() const {
  if (count_ == 0) return 0;
  const double centre = mean();
  double sum = 0;
  for (const Bucket& bucket : recorded()) {
    const double distance = middle_of(bucket) - centre;
    sum += distance * distance * static_cast<double>(bucket.count);
  }
  return std::sqrt(sum / static_cast<double>(count_));
}

std::uint64_t Histogram::percentile(double fraction) const noexcept {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(count_)));
  const std::uint64_t rank = std::clamp<std::uint64_t>(wanted, 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::clamp(last_value_of(i), min_, max_);
  }
  return max_;
}

std::optional<std::uint64_t> Histogram::supported_percentile(double fraction, std::uint64_t beyond) const noexcept {
  const auto above = static_cast<std::uint64_t>((1.0 - fraction) * static_cast<double>(count_) + 1e-9);
  if (count_ == 0 || above < beyond) return std::nullopt;
  return percentile(fraction);
}

}  // namespace reactorlab::measure
