#pragma once

#include "harness/bench/summary.hpp"

#include <string>
#include <vector>

namespace reactorlab::bench {

/// The summary as text for a terminal, one block for each cell; columns that nobody has say n/a. `confidence` is
/// that of the rows' intervals.
[[nodiscard]] std::string table_of(const std::vector<SummaryRow>& rows, double confidence = 0.95);

}  // namespace reactorlab::bench
