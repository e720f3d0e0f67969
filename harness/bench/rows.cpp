#include "harness/bench/rows.hpp"

#include <algorithm>

namespace reactorlab::bench {

bool same_row(const Sample& a, const Sample& b) {
  return a.cell == b.cell && a.impl == b.impl && a.backend == b.backend && a.locking == b.locking && a.workers == b.workers;
}

RowSamples of_row(const std::vector<Sample>& samples, const Sample& identity) {
  RowSamples own;
  for (const Sample& sample : samples)
    if (same_row(sample, identity)) own.push_back(&sample);
  return own;
}

RowSamples rows_of(const std::vector<Sample>& samples) {
  RowSamples rows;
  for (const Sample& sample : samples)
    if (std::none_of(rows.begin(), rows.end(), [&](const Sample* row) { return same_row(*row, sample); })) rows.push_back(&sample);
  return rows;
}

std::map<std::size_t, double> by_round(const RowSamples& samples, const Figure& figure) {
  std::map<std::size_t, double> values;
  for (const Sample* sample : samples)
    if (const auto value = figure.value(*sample)) values[sample->round] = *value;
  return values;
}

std::vector<measure::Pair> paired_rounds(const RowSamples& samples, const RowSamples& baseline, const Figure& figure) {
  std::vector<measure::Pair> pairs;
  const auto base = by_round(baseline, figure);
  for (const auto& [round, value] : by_round(samples, figure))
    if (const auto found = base.find(round); found != base.end()) pairs.push_back({value, found->second});
  return pairs;
}

}  // namespace reactorlab::bench
