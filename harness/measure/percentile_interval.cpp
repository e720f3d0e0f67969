#include "harness/measure/percentile_interval.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace reactorlab::measure {
namespace {

/// The rounds' values, and how many operations of each round don't exceed each: what merged histograms are searched by.
class MergedRounds {
 public:
  explicit MergedRounds(std::span<const Histogram> rounds) {
    std::map<std::uint64_t, std::vector<std::uint64_t>> counts;
    for (std::size_t round = 0; round < rounds.size(); ++round) {
      const auto add = [&](std::uint64_t value, std::uint64_t count) {
        auto& row = counts[value];
        row.resize(rounds.size());
        row[round] += count;
      };
      rounds[round].for_each(add);
    }
    std::vector<std::uint64_t> sum(rounds.size());
    for (const auto& [value, row] : counts) {
      for (std::size_t round = 0; round < row.size(); ++round) sum[round] += row[round];
      values_.push_back(value);
      up_to_.push_back(sum);
    }
  }

  [[nodiscard]] std::uint64_t percentile(const std::vector<std::size_t>& drawn, double fraction) const {
    const auto seen = [&](const std::vector<std::uint64_t>& sums) {
      std::uint64_t total = 0;
      for (const std::size_t round : drawn) total += sums[round];
      return total;
    };
    const std::uint64_t count = seen(up_to_.back());
    const auto wanted = static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(count)));
    const std::uint64_t rank = std::clamp<std::uint64_t>(wanted, 1, count);
    const auto found = std::partition_point(up_to_.begin(), up_to_.end(), [&](const auto& sums) { return seen(sums) < rank; });
    return values_[static_cast<std::size_t>(found - up_to_.begin())];
  }

 private:
  std::vector<std::uint64_t> values_;
  std::vector<std::vector<std::uint64_t>> up_to_;  ///< by value, then round
};

}  // namespace

std::optional<Interval> percentile_interval(std::span<const Histogram> rounds, double fraction, double confidence,
                                            const BootstrapSettings& settings) {
  const bool empty = std::any_of(rounds.begin(), rounds.end(), [](const Histogram& round) { return round.count() == 0; });
  if (rounds.empty() || empty) return std::nullopt;
  const MergedRounds merged(rounds);
  const auto figure = [&](const Draw& draw) { return static_cast<double>(merged.percentile(draw.front(), fraction)); };
  return Bootstrap({rounds.size()}, figure, settings).interval(confidence);
}

}  // namespace reactorlab::measure
