#pragma once

#include "harness/bench/sample.hpp"
#include "harness/measure/statistics.hpp"

#include <optional>
#include <string>
#include <vector>

namespace reactorlab::bench {

/// How an entry stands in a cell while the run goes on: the ratio of the cell's metric to the baseline over the rounds so far. Each
/// look at it is by itself, so it is for the impatient and no verdict. Nothing for the baseline, and before there is a round of
/// both.
[[nodiscard]] std::optional<measure::Ratio> standing_of(const std::vector<Sample>& cell, const std::string& entry);

/// "arc_mutex 1.018 ±0.009"; only the name where it stands nowhere yet, and no interval below six rounds.
[[nodiscard]] std::string standing_text(const std::vector<Sample>& cell, const std::string& entry);

}  // namespace reactorlab::bench
