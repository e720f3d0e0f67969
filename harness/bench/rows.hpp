#pragma once

#include "harness/bench/metric.hpp"
#include "harness/bench/sample.hpp"

#include <cstddef>
#include <map>
#include <vector>

namespace reactorlab::bench {

/// The samples of one entry in one cell; they belong to whoever read them.
using RowSamples = std::vector<const Sample*>;

/// Whether both are of the same entry and cell: the label alone may stand for several worker counts or backends in a merged file.
[[nodiscard]] bool same_row(const Sample& a, const Sample& b);

[[nodiscard]] RowSamples of_row(const std::vector<Sample>& samples, const Sample& identity);

/// The first sample of each row, in their order.
[[nodiscard]] RowSamples rows_of(const std::vector<Sample>& samples);

/// The figure in every round that has it.
[[nodiscard]] std::map<std::size_t, double> by_round(const RowSamples& samples, const Figure& figure);

/// Value and baseline of every round that has both.
[[nodiscard]] std::vector<measure::Pair> paired_rounds(const RowSamples& samples, const RowSamples& baseline, const Figure& figure);

}  // namespace reactorlab::bench
