#include "harness/bench/table.hpp"

#include "harness/bench/comparison_text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

/// The rows of one cell.
class Block {
 public:
  Block(const Cell& cell, const std::vector<SummaryRow>& all, std::size_t width, double confidence)
      : cell_(cell), width_(width), confidence_(confidence) {
    double largest = 0;
    for (const SummaryRow& row : all) {
      if (row.identity.cell != cell) continue;
      rows_.push_back(&row);
      if (row.cost.spread) largest = std::max(largest, row.cost.spread->median);
    }
    metric_ = rows_.front()->metric;
    scale_ = scale_of(metric_, largest);
  }

  [[nodiscard]] std::string text() const {
    std::string text =
        fmt::format("\n{}\n  {:<{}}  {:>10}  {:<22}  {:>9}  {:>9}  {:>9}  {:>3}  {}\n", describe(cell_), "impl", width_, heading(),
                    fmt::format("ratio [{:.4g} %]", 100 * confidence_), "op/s", "p50 us", "p99 us", "n", "verdict");
    for (const SummaryRow* row : rows_) text += line_of(*row);
    return text;
  }

 private:
  [[nodiscard]] std::string heading() const {
    const std::string_view what = metric_ == Metric::ServerCpu ? "cpu " : metric_ == Metric::Wall ? "wall " : "";
    if (metric_ == Metric::P99) return fmt::format("p99 {}", scale_.unit);
    return fmt::format("{}{}/op", what, scale_.unit);
  }

  [[nodiscard]] std::string line_of(const SummaryRow& row) const;
  [[nodiscard]] std::string remarks(const SummaryRow& row) const;

  const Cell& cell_;
  std::size_t width_;
  double confidence_;
  std::vector<const SummaryRow*> rows_;
  Metric metric_ = Metric::ServerCpu;
  Scale scale_{};
};

std::string scaled(const MetricSummary& metric, const Scale& scale) {
  return metric.spread ? fmt::format("{:.{}f}", metric.spread->median / scale.divisor, scale.digits) : "n/a";
}

std::string microseconds(const MetricSummary& metric) { return scaled(metric, {1000, "us", 3}); }

std::string rate(const MetricSummary& metric) {
  if (!metric.spread) return "n/a";
  const double ops = metric.spread->median;
  return ops >= 1e6 ? fmt::format("{:.2f} M", ops / 1e6) : fmt::format("{:.1f} k", ops / 1e3);
}

std::string ratio(const SummaryRow& row) {
  const auto& value = row.cost.ratio;
  if (!value) return row.cost.spread && row.baseline.empty() ? "1 (baseline)" : "n/a";
  return ratio_text(*value);
}

std::string Block::remarks(const SummaryRow& row) const {
  std::string text;
  if (row.cost.verdict) {
    text = verdict_text(metric_, *row.cost.verdict);
    text += outlook_text(row.cost.outlook, *row.cost.verdict);
  }
  if (row.voids > 0) text += fmt::format("{}{} void", text.empty() ? "" : ", ", row.voids);
  if (row.stalled > 0) text += fmt::format("{}{} stalled", text.empty() ? "" : ", ", row.stalled);
  return text;
}

std::string Block::line_of(const SummaryRow& row) const {
  const std::string& name = row.identity.impl;
  if (!row.not_applicable.empty() && row.rounds == 0)
    return fmt::format("  {:<{}}  {:>10} ({})\n", name, width_, "n/a", row.not_applicable);
  return fmt::format("  {:<{}}  {:>10}  {:<22}  {:>9}  {:>9}  {:>9}  {:>3}  {}\n", name, width_, scaled(row.cost, scale_),
                     ratio(row), rate(row.ops_per_s), microseconds(row.p50_ns), microseconds(row.p99_ns), row.rounds, remarks(row));
}

}  // namespace

std::string table_of(const std::vector<SummaryRow>& rows, double confidence) {
  std::size_t width = 4;
  std::vector<Cell> cells;
  for (const SummaryRow& row : rows) {
    width = std::max(width, row.identity.impl.size());
    if (std::find(cells.begin(), cells.end(), row.identity.cell) == cells.end()) cells.push_back(row.identity.cell);
  }
  std::string text;
  for (const Cell& cell : cells) text += Block(cell, rows, width, confidence).text();
  return text;
}

}  // namespace reactorlab::bench
