#pragma once

#include "harness/measure/bootstrap.hpp"
#include "harness/measure/histogram.hpp"

#include <optional>
#include <span>

namespace reactorlab::measure {

/// The interval of a percentile of many rounds' operations, each round a histogram. Percentiles are never averaged: what is drawn
/// is merged, as merging all of them gives the percentile itself. Nothing below the sign test's fewest rounds, or where a round
/// is empty.
[[nodiscard]] std::optional<Interval> percentile_interval(std::span<const Histogram> rounds, double fraction,
                                                          double confidence = 0.95, const BootstrapSettings& settings = {});

}  // namespace reactorlab::measure
