#include "harness/bench/summary.hpp"

#include <algorithm>
#include <iterator>
#include <map>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

constexpr const char* kBaselines[] = {"raw_epoll", "thread_local"};

std::optional<Spread> spread_of(const RowSamples& own, const Figure& figure) {
  std::vector<double> values;
  for (const auto& [round, value] : by_round(own, figure)) values.push_back(value);
  if (values.empty()) return std::nullopt;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return Spread{measure::median(values), *low, *high};
}

/// What a row summarises.
struct Column {
  MetricSummary SummaryRow::*summary;
  const Figure& figure;
};

std::vector<Column> columns_of(Metric metric) {
  return {{&SummaryRow::cost, figure_named(info_of(metric).name)},
          {&SummaryRow::cpu_ns_per_op, figure_named("server_cpu_ns_per_op")},
          {&SummaryRow::ops_per_s, figure_named("ops_per_s")},
          {&SummaryRow::p50_ns, figure_named("p50_ns")},
          {&SummaryRow::p99_ns, figure_named("p99_ns")}};
}

/// Without ratios.
SummaryRow summarise_row(const Sample& identity, const RowSamples& own) {
  SummaryRow row;
  row.identity = identity;
  row.metric = workload_of(identity.cell.workload).metric;
  for (const Sample* sample : own) {
    row.voids += sample->is_void() ? 1 : 0;
    row.stalled += sample->stalled ? 1 : 0;
    row.rounds += sample->sound() ? 1 : 0;
    if (!sample->applicable()) row.not_applicable = sample->not_applicable;
  }
  for (const Column& column : columns_of(row.metric)) (row.*column.summary).spread = spread_of(own, column.figure);
  return row;
}

/// Compares the rows of a cell, which are one family, with its baseline.
void compare_cell(const std::vector<Sample>& samples, const std::vector<SummaryRow*>& rows, double confidence) {
  const RowSamples baseline = baseline_of(samples, rows.front()->identity.cell);
  if (baseline.empty()) return;
  std::vector<SummaryRow*> contenders;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(contenders),
               [&](const SummaryRow* row) { return !same_row(row->identity, *baseline.front()); });
  for (SummaryRow* row : contenders) row->baseline = baseline.front()->impl;
  for (const Column& column : columns_of(rows.front()->metric)) {
    std::vector<measure::Pairs> family;
    for (const SummaryRow* row : contenders)
      family.push_back(paired_rounds(of_row(samples, row->identity), baseline, column.figure));
    const auto comparisons = measure::compare_paired(
        family, {.direction = column.figure.direction, .margin = measure::kEquivalenceMargin, .confidence = confidence});
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      if (!comparisons[i]) continue;
      MetricSummary& summary = contenders[i]->*column.summary;
      summary.ratio = comparisons[i]->ratio;
      summary.verdict = comparisons[i]->verdict;
      summary.significance = comparisons[i]->significance;
      summary.outlook = comparisons[i]->outlook;
    }
  }
}

json spread_json(const MetricSummary& metric) {
  if (!metric.spread) return nullptr;
  return {{"median", metric.spread->median}, {"min", metric.spread->min}, {"max", metric.spread->max}};
}

json verdict_json(const MetricSummary& summary, Metric metric) {
  return summary.verdict ? json(verdict_text(metric, *summary.verdict)) : json(nullptr);
}

json ratio_json(const MetricSummary& metric, const std::string& baseline, Metric what) {
  if (!metric.ratio) return nullptr;
  json ratio = {{"baseline", baseline}, {"value", metric.ratio->value}, {"rounds", metric.ratio->rounds}, {"low", nullptr},
                {"high", nullptr},      {"confidence", nullptr}};
  ratio["p_different"] = metric.significance.different;
  ratio["p_equivalent"] = metric.significance.equivalent;
  ratio["family"] = metric.significance.family;
  ratio["detectable"] = metric.outlook.detectable ? json(*metric.outlook.detectable) : json(nullptr);
  ratio["rounds_needed"] = metric.outlook.rounds ? json(*metric.outlook.rounds) : json(nullptr);
  if (const auto& interval = metric.ratio->interval) {
    ratio["low"] = interval->low;
    ratio["high"] = interval->high;
    ratio["confidence"] = interval->confidence;
  }
  ratio["verdict"] = verdict_json(metric, what);
  return ratio;
}

}  // namespace

RowSamples baseline_of(const std::vector<Sample>& samples, const Cell& cell) {
  for (const char* name : kBaselines) {
    const auto first = std::find_if(samples.begin(), samples.end(),
                                    [&](const Sample& s) { return s.cell == cell && s.impl == name && s.sound(); });
    if (first != samples.end()) return of_row(samples, *first);
  }
  return {};
}

std::vector<SummaryRow> summarise(const std::vector<Sample>& samples, double confidence) {
  std::vector<SummaryRow> rows;
  for (const Sample* first : rows_of(samples)) rows.push_back(summarise_row(*first, of_row(samples, *first)));
  std::map<Cell, std::vector<SummaryRow*>> cells;
  for (SummaryRow& row : rows) cells[row.identity.cell].push_back(&row);
  for (const auto& [cell, own] : cells) compare_cell(samples, own, confidence);
  return rows;
}

json to_json(const SummaryRow& row) {
  const Sample& who = row.identity;
  const MetricInfo& metric = info_of(row.metric);
  const auto time_ratio = [&](const MetricSummary& summary) { return ratio_json(summary, row.baseline, Metric::ServerCpu); };
  return {{"workload", who.cell.workload},
          {"params", who.cell.params},
          {"impl", who.impl},
          {"backend", who.backend},
          {"locking", who.locking},
          {"workers", who.workers},
          {"rounds", row.rounds},
          {"voids", row.voids},
          {"stalled", row.stalled},
          {"not_applicable", row.not_applicable.empty() ? json(nullptr) : json(row.not_applicable)},
          {"metric", metric.name},
          {"unit", metric.unit},
          {"operation", workload_of(who.cell.workload).operation},
          {"value", spread_json(row.cost)},
          {"ratio", ratio_json(row.cost, row.baseline, row.metric)},
          {"verdict", verdict_json(row.cost, row.metric)},
          {"server_cpu_ns_per_op", spread_json(row.cpu_ns_per_op)},
          {"ops_per_s", spread_json(row.ops_per_s)},
          {"p50_ns", spread_json(row.p50_ns)},
          {"p99_ns", spread_json(row.p99_ns)},
          {"ratios",
           {{"server_cpu_ns_per_op", time_ratio(row.cpu_ns_per_op)},
            {"ops_per_s", time_ratio(row.ops_per_s)},
            {"p50_ns", time_ratio(row.p50_ns)},
            {"p99_ns", time_ratio(row.p99_ns)}}}};
}

}  // namespace reactorlab::bench
