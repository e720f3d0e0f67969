#include "harness/measure/scatter.hpp"

#include "harness/measure/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace reactorlab::measure {
namespace {

double mean_excess_of_larger_half(const std::vector<double>& distances) {
  const double middle = median(distances);
  double sum = 0, larger = 0;
  for (const double distance : distances) {
    if (distance <= middle) continue;
    sum += distance - middle;
    ++larger;
  }
  return larger == 0 ? 0 : sum / larger;
}

}  // namespace

Scatter::Scatter(std::span<const double> values) {
  const double centre = median({values.begin(), values.end()});
  for (const double value : values) distances_.push_back(std::abs(value - centre));
  tail_ = mean_excess_of_larger_half(distances_);
  distances_.push_back(0);
  std::sort(distances_.begin(), distances_.end());
}

double Scatter::share_farther(double distance) const {
  const double most = distances_.back();
  if (distance >= most) return tail_ == 0 ? 0 : unseen() * std::exp(-(distance - most) / tail_);
  const auto next = std::upper_bound(distances_.begin(), distances_.end(), distance);
  const double before = *(next - 1);
  const double place = static_cast<double>(next - 1 - distances_.begin()) + (distance - before) / (*next - before);
  return 1 - place * unseen();
}

double Scatter::share_below(double offset) const { return offset < 0 ? share_farther(-offset) / 2 : 1 - share_farther(offset) / 2; }

double Scatter::quantile(double share) const {
  if (share < 0.5) return -quantile(1 - share);
  const double farther = 2 * (1 - share);
  if (farther <= unseen()) return distances_.back() + (tail_ == 0 ? 0 : tail_ * std::log(unseen() / farther));
  const double place = (1 - farther) / unseen();
  const auto index = std::min(static_cast<std::size_t>(place), distances_.size() - 2);
  return distances_[index] + (place - static_cast<double>(index)) * (distances_[index + 1] - distances_[index]);
}

}  // namespace reactorlab::measure
