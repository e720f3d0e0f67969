#include "harness/measure/holm.hpp"

#include <algorithm>
#include <numeric>

namespace reactorlab::measure {

std::vector<double> holm_adjusted(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double least = 0;  // a p value isn't adjusted to less than a smaller one
  for (std::size_t step = 0; step < order.size(); ++step) {
    least = std::min(1.0, std::max(least, static_cast<double>(p.size() - step) * p[order[step]]));
    adjusted[order[step]] = least;
  }
  return adjusted;
}

}  // namespace reactorlab::measure
