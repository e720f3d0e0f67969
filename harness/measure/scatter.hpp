#pragma once

#include <span>
#include <vector>

namespace reactorlab::measure {

/// How rounds lie around their true median, estimated from those that were measured. Their distances from the median, the i-th
/// smallest of n, stand for the quantiles i / (n + 1), straight lines in between; both sides are taken to be alike. Beyond the
/// largest distance nothing was seen: there it is an exponential tail, whose mean is by how much the larger half of the distances
/// exceeds their middle.
class Scatter {
 public:
  /// REQUIRES: at least one value.
  explicit Scatter(std::span<const double> values);

  /// The share of rounds that lie less than `offset` above the median; a negative offset lies below it.
  [[nodiscard]] double share_below(double offset) const;

  /// The offset with this share below. `share` is in (0, 1).
  [[nodiscard]] double quantile(double share) const;

 private:
  [[nodiscard]] double share_farther(double distance) const;
  [[nodiscard]] double unseen() const { return 1 / static_cast<double>(distances_.size()); }

  std::vector<double> distances_;  ///< ascending, behind a 0
  double tail_ = 0;                ///< mean of the exponential
};

}  // namespace reactorlab::measure
