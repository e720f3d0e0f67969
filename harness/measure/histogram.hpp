#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace reactorlab::measure {

/// Counts durations in nanoseconds in log-linear buckets: every power of two is cut into 1024 equal parts, so a value is
/// known to 0.1 %, from 1 ns (exact below 2048 ns) to 18 minutes (longer ones count as that). Merging loses nothing,
/// because all histograms share the same buckets. The layout is HdrHistogram's (Gil Tene) with three significant digits.
/// Not thread-safe.
class Histogram {
 public:
  /// HdrHistogram's terms for the layout: powers of two, and parts of the first one, which starts at 0.
  static constexpr unsigned kHdrBuckets = 30;
  static constexpr unsigned kHdrSubBuckets = 2048;

  /// A bucket that isn't empty.
  struct Bucket {
    std::uint64_t first;  ///< the smallest duration in it, ns
    std::uint64_t last;   ///< the largest
    std::uint64_t count;
  };

  Histogram();

  void record(std::uint64_t ns) noexcept {
    ++buckets_[index_of(ns)];
    ++count_;
    if (ns > max_) max_ = ns;
    if (ns < min_) min_ = ns;
  }

  void merge(const Histogram& other) noexcept;
  void clear() noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }

  /// In ns, of the buckets' middles; nothing recorded gives 0.
  [[nodiscard]] double mean() const;
  [[nodiscard]] double standard_deviation() const;

  /// In ascending order.
  [[nodiscard]] std::vector<Bucket> recorded() const;

  /// The smallest recorded value, rounded up to its bucket's end, that `fraction` of all values don't exceed.
  /// `fraction` is in (0, 1]; nothing recorded gives 0.
  [[nodiscard]] std::uint64_t percentile(double fraction) const noexcept;

  /// As above, or nothing where fewer than `beyond` values lie above it: such a percentile is an accident.
  [[nodiscard]] std::optional<std::uint64_t> supported_percentile(double fraction, std::uint64_t beyond = 30) const noexcept;

  /// f(value, count) for every bucket that isn't empty, in ascending order; the value is the one that percentile() gives.
  template <class F>
  void for_each(F f) const {
    for (std::size_t i = 0; i < buckets_.size(); ++i)
      if (buckets_[i] != 0) f(std::clamp(last_value_of(i), min_, max_), buckets_[i]);
  }

 private:
  static constexpr unsigned kSubBits = 10;
  static constexpr std::uint64_t kSubBuckets = 1U << kSubBits;
  static constexpr unsigned kMaxBits = 40;
  static constexpr std::uint64_t kMaxValue = (std::uint64_t{1} << kMaxBits) - 1;

  [[nodiscard]] static std::size_t index_of(std::uint64_t ns) noexcept {
    if (ns > kMaxValue) ns = kMaxValue;
    const unsigned width = 64U - static_cast<unsigned>(__builtin_clzll(ns | 1));
    const unsigned shift = width > kSubBits + 1 ? width - (kSubBits + 1) : 0;
    return (static_cast<std::size_t>(shift) << kSubBits) + (ns >> shift);
  }
  [[nodiscard]] static std::uint64_t last_value_of(std::size_t index) noexcept;

  static_assert(kHdrSubBuckets == 2 * kSubBuckets && kHdrBuckets == kMaxBits - kSubBits);

  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t min_ = UINT64_MAX;
  std::uint64_t max_ = 0;
};

}  // namespace reactorlab::measure
