#pragma once

#include "harness/measure/comparison.hpp"

#include <cstddef>
#include <span>
#include <vector>

/// When enough was measured: by precision, never by what was found. A rule that stops at a difference finds one sooner or later;
/// this one stops where the intervals are narrow, whatever they hold.
namespace reactorlab::measure {

/// At which rounds it is looked, decided before the first: 9, 15, 21, 28, 42, 56 and then every 28 more, as far as they are fewer
/// than `rounds`, and at the end.
[[nodiscard]] std::vector<std::size_t> looks_until(std::size_t rounds);

/// Of each interval, at a look as in the results, so that those of all looks together hold their medians with 95 %, whichever look
/// the rule stops at (Bonferroni: 5 % divided by the number of looks).
[[nodiscard]] double confidence_of_looks(std::size_t looks);

/// Whether each comparison is as narrow as 1 +- `half_width` (in logarithms), at that confidence. One without pairs doesn't
/// count; where none has any, nothing is precise.
[[nodiscard]] bool is_precise(std::span<const Pairs> family, double half_width, double confidence);

}  // namespace reactorlab::measure
