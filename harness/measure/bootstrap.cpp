#include "harness/measure/bootstrap.hpp"

#include "harness/measure/normal.hpp"
#include "harness/measure/signs.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace reactorlab::measure {

Bootstrap::Bootstrap(std::vector<std::size_t> groups, const DrawFigure& figure, const BootstrapSettings& settings)
    : rounds_(*std::min_element(groups.begin(), groups.end())) {
  std::mt19937_64 random(settings.seed);
  Draw draw;
  for (const std::size_t rounds : groups) draw.emplace_back(rounds);
  sorted_.reserve(settings.resamples);
  for (std::size_t i = 0; i < settings.resamples; ++i) {
    for (auto& group : draw)
      for (std::size_t& round : group) round = random() % group.size();
    if (const double value = figure(draw); !std::isnan(value)) sorted_.push_back(value);
  }
  std::sort(sorted_.begin(), sorted_.end());
}

/// The share of draws beyond each end of an interval that holds all but alpha.
double Bootstrap::tail_share(double alpha) const {
  const auto n = static_cast<double>(rounds_);
  return normal_share(std::sqrt(n / (n - 1)) * student_quantile(alpha / 2, n - 1));
}

std::optional<Interval> Bootstrap::interval(double confidence) const {
  if (rounds_ < fewest_rounds(confidence)) return std::nullopt;
  const auto beyond = static_cast<std::size_t>(tail_share(1 - confidence) * static_cast<double>(sorted_.size() + 1));
  if (beyond == 0) return std::nullopt;
  return Interval{sorted_[beyond - 1], sorted_[sorted_.size() - beyond], confidence};
}

/// The alpha whose interval ends where this many draws lie beyond.
double Bootstrap::p_of_tail(std::size_t draws) const {
  const double share = static_cast<double>(draws + 1) / static_cast<double>(sorted_.size() + 1);
  if (rounds_ < 2 || share >= 0.5) return 1;
  double low = 0, high = 1;
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2;
    (tail_share(middle) < share ? low : high) = middle;
  }
  return high;
}

std::size_t Bootstrap::count_below(double value) const {
  return static_cast<std::size_t>(std::lower_bound(sorted_.begin(), sorted_.end(), value) - sorted_.begin());
}

std::size_t Bootstrap::count_above(double value) const {
  return static_cast<std::size_t>(sorted_.end() - std::upper_bound(sorted_.begin(), sorted_.end(), value));
}

double Bootstrap::p_of(double value) const { return p_of_tail(sorted_.size() - std::max(count_below(value), count_above(value))); }

double Bootstrap::p_of_outside(double low, double high) const { return p_of_tail(std::max(count_below(low), count_above(high))); }

}  // namespace reactorlab::measure
