#include "harness/bench/summary.hpp"

#include <algorithm>
#include <functional>
#include <map>

namespace reactorlab::bench {
namespace {

using measure::Direction;
using nlohmann::json;
using Value = std::function<std::optional<double>(const Sample&)>;
using Samples = std::vector<const Sample*>;

constexpr const char* kBaselines[] = {"raw_epoll", "thread_local"};

std::optional<double> as_double(const std::optional<std::uint64_t>& value) {
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

/// Who is compared with whom: the label alone may stand for several worker counts or backends in a merged file.
bool same_row(const Sample& a, const Sample& b) {
  return a.cell == b.cell && a.impl == b.impl && a.backend == b.backend && a.locking == b.locking && a.workers == b.workers;
}

Samples of_row(const std::vector<Sample>& samples, const Sample& identity) {
  Samples own;
  for (const Sample& sample : samples)
    if (same_row(sample, identity)) own.push_back(&sample);
  return own;
}

Samples baseline_of(const std::vector<Sample>& samples, const Cell& cell) {
  for (const char* name : kBaselines) {
    const auto first = std::find_if(samples.begin(), samples.end(),
                                    [&](const Sample& s) { return s.cell == cell && s.impl == name && s.sound(); });
    if (first != samples.end()) return of_row(samples, *first);
  }
  return {};
}

std::map<std::size_t, double> by_round(const Samples& samples, const Value& metric) {
  std::map<std::size_t, double> values;
  for (const Sample* sample : samples) {
    const auto value = sample->sound() ? metric(*sample) : std::nullopt;
    if (value) values[sample->round] = *value;
  }
  return values;
}

MetricSummary summarise_metric(const Samples& own, const Samples& baseline, Direction direction, const Value& metric) {
  MetricSummary summary;
  const auto values = by_round(own, metric);
  if (values.empty()) return summary;
  std::vector<double> sorted;
  for (const auto& [round, value] : values) sorted.push_back(value);
  const auto [low, high] = std::minmax_element(sorted.begin(), sorted.end());
  summary.spread = Spread{measure::median(sorted), *low, *high};

  std::vector<measure::Pair> pairs;
  const auto base = by_round(baseline, metric);
  for (const auto& [round, value] : values)
    if (const auto found = base.find(round); found != base.end()) pairs.push_back({value, found->second});
  summary.ratio = measure::paired_ratio(pairs);
  if (summary.ratio) summary.verdict = measure::verdict_of(*summary.ratio, direction);
  return summary;
}

SummaryRow summarise_row(const std::vector<Sample>& samples, const Sample& identity) {
  const Samples own = of_row(samples, identity);
  Samples baseline = baseline_of(samples, identity.cell);
  SummaryRow row;
  row.identity = identity;
  row.metric = workload_of(identity.cell.workload).metric;
  for (const Sample* sample : own) {
    row.voids += sample->is_void() ? 1 : 0;
    row.stalled += sample->stalled ? 1 : 0;
    row.rounds += sample->sound() ? 1 : 0;
    if (!sample->applicable()) row.not_applicable = sample->not_applicable;
  }
  if (!baseline.empty() && same_row(*baseline.front(), identity)) baseline.clear();
  if (!baseline.empty()) row.baseline = baseline.front()->impl;
  const auto summary_of = [&](Direction direction, const Value& value) {
    return summarise_metric(own, baseline, direction, value);
  };
  row.cost = summary_of(Direction::LowerIsFaster, [&](const Sample& s) { return value_of(row.metric, s); });
  row.cpu_ns_per_op = summary_of(Direction::LowerIsFaster, [](const Sample& s) { return s.cpu_ns_per_op(); });
  if (row.metric != Metric::UserBytes)  // how fast connections were opened is nobody's question
    row.ops_per_s = summary_of(Direction::HigherIsFaster, [](const Sample& s) { return s.ops_per_s(); });
  row.p50_ns = summary_of(Direction::LowerIsFaster, [](const Sample& s) { return as_double(s.p50_ns); });
  row.p99_ns = summary_of(Direction::LowerIsFaster, [](const Sample& s) { return as_double(s.p99_ns); });
  return row;
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
  if (const auto& interval = metric.ratio->interval) {
    ratio["low"] = interval->low;
    ratio["high"] = interval->high;
    ratio["confidence"] = interval->confidence;
  }
  ratio["verdict"] = verdict_json(metric, what);
  return ratio;
}

}  // namespace

std::vector<SummaryRow> summarise(const std::vector<Sample>& samples) {
  std::vector<SummaryRow> rows;
  for (const Sample& sample : samples) {
    const bool known = std::any_of(rows.begin(), rows.end(), [&](const SummaryRow& row) { return same_row(row.identity, sample); });
    if (!known) rows.push_back(summarise_row(samples, sample));
  }
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
