#include "harness/bench/standing.hpp"

#include "harness/bench/compare.hpp"
#include "harness/bench/rows.hpp"
#include "harness/bench/summary.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace reactorlab::bench {

std::optional<measure::Ratio> standing_of(const std::vector<Sample>& cell, const std::string& entry) {
  const auto own = std::find_if(cell.begin(), cell.end(), [&](const Sample& sample) { return sample.impl == entry; });
  if (own == cell.end()) return std::nullopt;
  const RowSamples baseline = baseline_of(cell, own->cell);
  if (baseline.empty() || baseline.front()->impl == entry) return std::nullopt;
  return measure::paired_ratio(paired_rounds(of_row(cell, *own), baseline, cost_figure(own->cell)));
}

std::string standing_text(const std::vector<Sample>& cell, const std::string& entry) {
  const auto ratio = standing_of(cell, entry);
  if (!ratio) return entry;
  if (!ratio->interval) return fmt::format("{} {:.3f}", entry, ratio->value);
  return fmt::format("{} {:.3f} ±{:.3f}", entry, ratio->value, (ratio->interval->high - ratio->interval->low) / 2);
}

}  // namespace reactorlab::bench
