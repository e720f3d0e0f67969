#pragma once

#include <span>
#include <vector>

namespace reactorlab::measure {

/// The p values of a family of tests, in their order, adjusted by Holm's step-down procedure (1979). Whoever rejects those that
/// are at most alpha rejects anything wrongly with a probability of at most alpha, however the tests depend on each other.
[[nodiscard]] std::vector<double> holm_adjusted(std::span<const double> p);

}  // namespace reactorlab::measure
