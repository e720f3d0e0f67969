#pragma once

#include "harness/bench/metric.hpp"
#include "harness/bench/rows.hpp"
#include "harness/bench/sample.hpp"
#include "harness/measure/comparison.hpp"

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace reactorlab::bench {

struct Spread {
  double median, min, max;
};

/// A metric of one entry in one cell, and what it is against the baseline, round by round. The verdict is upheld by Holm's
/// correction over the entries of the cell.
struct MetricSummary {
  std::optional<Spread> spread;         ///< nothing without a sound sample that has the metric
  std::optional<measure::Ratio> ratio;  ///< nothing for the baseline itself
  std::optional<measure::Verdict> verdict;
  measure::Significance significance;  ///< of a ratio
  measure::Outlook outlook;            ///< of an inconclusive verdict
};

struct SummaryRow {
  Sample identity;  ///< whose cell and configuration it is; its numbers don't count
  Metric metric = Metric::ServerCpu;
  std::size_t rounds = 0;  ///< sound samples
  std::size_t voids = 0;
  std::size_t stalled = 0;
  std::string not_applicable;  ///< why the entry has no such thing; then there are no numbers
  std::string baseline;        ///< empty where this row is the baseline or the cell has none
  MetricSummary cost;          ///< the workload's metric: what the row is about
  MetricSummary cpu_ns_per_op, ops_per_s, p50_ns, p99_ns;
};

/// What the others of a cell are compared with: raw_epoll, where that has no sound sample thread_local; empty where there is
/// neither.
[[nodiscard]] RowSamples baseline_of(const std::vector<Sample>& samples, const Cell& cell);

/// One row for each entry and cell, in the order of their first samples. Intervals and verdicts are of that confidence.
[[nodiscard]] std::vector<SummaryRow> summarise(const std::vector<Sample>& samples, double confidence = 0.95);

/// The row as it stands in summary.json; its ratio and verdict are those on the workload's metric.
[[nodiscard]] nlohmann::json to_json(const SummaryRow& row);

}  // namespace reactorlab::bench
