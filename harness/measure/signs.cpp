#include "harness/measure/signs.hpp"

#include <algorithm>
#include <cmath>

namespace reactorlab::measure {
namespace {

/// P(Bin(trials, chance) = 0), then that of 1, 2 and so on. In logarithms: a double can't hold the first ones of many trials.
class Points {
 public:
  Points(std::size_t trials, double chance)
      : left_(static_cast<double>(trials)), log_(left_ * std::log1p(-chance)), log_odds_(std::log(chance) - std::log1p(-chance)) {}

  double next() {
    const double point = std::exp(log_);
    log_ += log_odds_ + std::log(left_ / (taken_ + 1));
    --left_;
    ++taken_;
    return point;
  }

 private:
  double left_;
  double taken_ = 0;
  double log_;
  double log_odds_;
};

double doubled(double p) { return std::min(1.0, 2 * p); }

template <class Predicate>
std::size_t count(std::span<const double> values, Predicate predicate) {
  return static_cast<std::size_t>(std::count_if(values.begin(), values.end(), predicate));
}

}  // namespace

double binomial_at_most(std::size_t successes, std::size_t trials, double chance) {
  if (successes >= trials) return 1;
  if (chance >= 1) return 0;
  Points points(trials, chance);
  double sum = 0;
  for (std::size_t i = 0; i <= successes; ++i) sum += points.next();
  return std::min(1.0, sum);
}

std::size_t sign_test_rank(std::size_t rounds, double confidence) {
  Points points(rounds, 0.5);
  double tail = 0;
  for (std::size_t k = 0; 2 * (k + 1) <= rounds; ++k) {
    tail += points.next();
    if (2 * tail > 1 - confidence + 1e-12) return k;
  }
  return rounds / 2;
}

std::size_t fewest_rounds(double confidence) {
  std::size_t rounds = 2;
  while (sign_test_rank(rounds, confidence) == 0) ++rounds;
  return rounds;
}

double p_of_median(std::span<const double> values, double median) {
  const std::size_t below = count(values, [&](double x) { return x <= median; });
  const std::size_t above = count(values, [&](double x) { return x >= median; });
  return doubled(binomial_at_most(std::min(below, above), values.size()));
}

double p_of_median_outside(std::span<const double> values, double low, double high) {
  const std::size_t below = count(values, [&](double x) { return x < low; });
  const std::size_t above = count(values, [&](double x) { return x > high; });
  return doubled(binomial_at_most(std::max(below, above), values.size()));
}

}  // namespace reactorlab::measure
