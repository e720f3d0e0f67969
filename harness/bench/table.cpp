#include "harness/bench/table.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

std::string microseconds(const MetricSummary& metric) {
  return metric.spread ? fmt::format("{:.3f}", metric.spread->median / 1000) : "n/a";
}

std::string rate(const MetricSummary& metric) {
  if (!metric.spread) return "n/a";
  const double ops = metric.spread->median;
  return ops >= 1e6 ? fmt::format("{:.2f} M", ops / 1e6) : fmt::format("{:.1f} k", ops / 1e3);
}

std::string ratio(const SummaryRow& row) {
  const auto& value = row.cpu_ns_per_op.ratio;
  if (!value) return row.cpu_ns_per_op.spread && row.baseline.empty() ? "1 (baseline)" : "n/a";
  if (!value->interval) return fmt::format("{:.3f}", value->value);
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", value->value, value->interval->low, value->interval->high);
}

std::string remarks(const SummaryRow& row) {
  std::string text;
  if (row.cpu_ns_per_op.verdict) text = measure::to_string(*row.cpu_ns_per_op.verdict);
  if (row.voids > 0) text += fmt::format("{}{} void", text.empty() ? "" : ", ", row.voids);
  if (row.stalled > 0) text += fmt::format("{}{} stalled", text.empty() ? "" : ", ", row.stalled);
  return text;
}

std::string line_of(const SummaryRow& row, std::size_t width) {
  return fmt::format("  {:<{}}  {:>10}  {:<22}  {:>9}  {:>9}  {:>9}  {:>3}  {}\n", row.identity.impl, width,
                     microseconds(row.cpu_ns_per_op), ratio(row), rate(row.ops_per_s), microseconds(row.p50_ns),
                     microseconds(row.p99_ns), row.rounds, remarks(row));
}

}  // namespace

std::string table_of(const std::vector<SummaryRow>& rows) {
  std::size_t width = 4;
  std::vector<Cell> cells;
  for (const SummaryRow& row : rows) {
    width = std::max(width, row.identity.impl.size());
    if (std::find(cells.begin(), cells.end(), row.identity.cell) == cells.end()) cells.push_back(row.identity.cell);
  }
  std::string text;
  for (const Cell& cell : cells) {
    text += fmt::format("\n{}\n  {:<{}}  {:>10}  {:<22}  {:>9}  {:>9}  {:>9}  {:>3}  {}\n", describe(cell), "impl",
                        width, "cpu us/op", "ratio [95 %]", "op/s", "p50 us", "p99 us", "n", "verdict on cpu/op");
    for (const SummaryRow& row : rows)
      if (row.identity.cell == cell) text += line_of(row, width);
  }
  return text;
}

}  // namespace reactorlab::bench
