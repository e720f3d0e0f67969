#include "harness/bench/stopping.hpp"

#include "harness/bench/compare.hpp"
#include "harness/bench/rows.hpp"
#include "harness/bench/summary.hpp"
#include "harness/measure/stopping.hpp"

#include <algorithm>
#include <iterator>

namespace reactorlab::bench {
namespace {

bool precise_at(const RunPlan& plan, const std::vector<Sample>& cell, std::size_t look) {
  std::vector<Sample> samples;
  std::copy_if(cell.begin(), cell.end(), std::back_inserter(samples), [&](const Sample& sample) { return sample.round < look; });
  if (samples.empty()) return false;
  const RowSamples baseline = baseline_of(samples, samples.front().cell);
  if (baseline.empty()) return false;
  std::vector<measure::Pairs> family;
  for (const Sample* row : rows_of(samples))
    if (!same_row(*row, *baseline.front()))
      family.push_back(paired_rounds(of_row(samples, *row), baseline, cost_figure(row->cell)));
  return measure::is_precise(family, *plan.precision, confidence_of(plan));
}

}  // namespace

double confidence_of(const RunPlan& plan) {
  return measure::confidence_of_looks(plan.precision ? measure::looks_until(plan.rounds).size() : 1);
}

std::optional<std::size_t> precise_after(const RunPlan& plan, const std::vector<Sample>& cell, std::size_t rounds) {
  if (!plan.precision) return std::nullopt;
  for (const std::size_t look : measure::looks_until(plan.rounds))
    if (look <= rounds && precise_at(plan, cell, look)) return look;
  return std::nullopt;
}

}  // namespace reactorlab::bench
