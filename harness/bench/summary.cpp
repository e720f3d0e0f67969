#include "harness/bench/summary.hpp"

#include <algorithm>
#include <functional>
#include <map>

namespace reactorlab::bench {
namespace {

using measure::Direction;
using nlohmann::json;
using Metric = std::function<std::optional<double>(const Sample&)>;
using Samples = std::vector<const Sample*>;

constexpr const char* kBaselines[] = {"raw_epoll", "thread_local"};

std::optional<double> as_double(const std::optional<std::uint64_t>& value) {
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

/// Who is compared with whom: the label alone may stand for several worker counts or backends in a merged file.
bool same_row(const Sample& a, const Sample& b) {
  return a.cell == b.cell && a.impl == b.impl && a.backend == b.backend && a.locking == b.locking &&
         a.workers == b.workers;
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

std::map<std::size_t, double> by_round(const Samples& samples, const Metric& metric) {
  std::map<std::size_t, double> values;
  for (const Sample* sample : samples) {
    const auto value = sample->sound() ? metric(*sample) : std::nullopt;
    if (value) values[sample->round] = *value;
  }
  return values;
}

MetricSummary summarise_metric(const Samples& own, const Samples& baseline, Direction direction, const Metric& metric) {
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
  row.voids =
      static_cast<std::size_t>(std::count_if(own.begin(), own.end(), [](const Sample* s) { return !s->sound(); }));
  row.stalled =
      static_cast<std::size_t>(std::count_if(own.begin(), own.end(), [](const Sample* s) { return s->stalled; }));
  row.rounds = own.size() - row.voids;
  if (!baseline.empty() && same_row(*baseline.front(), identity)) baseline.clear();
  if (!baseline.empty()) row.baseline = baseline.front()->impl;
  const auto metric = [&](Direction direction, const Metric& value) {
    return summarise_metric(own, baseline, direction, value);
  };
  row.cpu_ns_per_op = metric(Direction::LowerIsFaster, [](const Sample& s) { return s.cpu_ns_per_op(); });
  row.ops_per_s = metric(Direction::HigherIsFaster, [](const Sample& s) { return s.ops_per_s(); });
  row.p50_ns = metric(Direction::LowerIsFaster, [](const Sample& s) { return as_double(s.p50_ns); });
  row.p99_ns = metric(Direction::LowerIsFaster, [](const Sample& s) { return as_double(s.p99_ns); });
  return row;
}

json spread_json(const MetricSummary& metric) {
  if (!metric.spread) return nullptr;
  return {{"median", metric.spread->median}, {"min", metric.spread->min}, {"max", metric.spread->max}};
}

json ratio_json(const MetricSummary& metric, const std::string& baseline) {
  if (!metric.ratio) return nullptr;
  json ratio = {
      {"baseline", baseline}, {"value", metric.ratio->value}, {"rounds", metric.ratio->rounds}, {"low", nullptr},
      {"high", nullptr},      {"confidence", nullptr}};
  if (const auto& interval = metric.ratio->interval) {
    ratio["low"] = interval->low;
    ratio["high"] = interval->high;
    ratio["confidence"] = interval->confidence;
  }
  ratio["verdict"] = metric.verdict ? json(measure::to_string(*metric.verdict)) : json(nullptr);
  return ratio;
}

}  // namespace

std::vector<SummaryRow> summarise(const std::vector<Sample>& samples) {
  std::vector<SummaryRow> rows;
  for (const Sample& sample : samples) {
    const bool known =
        std::any_of(rows.begin(), rows.end(), [&](const SummaryRow& row) { return same_row(row.identity, sample); });
    if (!known) rows.push_back(summarise_row(samples, sample));
  }
  return rows;
}

json to_json(const SummaryRow& row) {
  const Sample& who = row.identity;
  return {{"workload", who.cell.workload},
          {"params", who.cell.params},
          {"impl", who.impl},
          {"backend", who.backend},
          {"locking", who.locking},
          {"workers", who.workers},
          {"rounds", row.rounds},
          {"voids", row.voids},
          {"stalled", row.stalled},
          {"server_cpu_ns_per_op", spread_json(row.cpu_ns_per_op)},
          {"ops_per_s", spread_json(row.ops_per_s)},
          {"p50_ns", spread_json(row.p50_ns)},
          {"p99_ns", spread_json(row.p99_ns)},
          {"ratio", ratio_json(row.cpu_ns_per_op, row.baseline)},
          {"verdict", row.cpu_ns_per_op.verdict ? json(measure::to_string(*row.cpu_ns_per_op.verdict)) : json(nullptr)},
          {"ratios",
           {{"ops_per_s", ratio_json(row.ops_per_s, row.baseline)},
            {"p50_ns", ratio_json(row.p50_ns, row.baseline)},
            {"p99_ns", ratio_json(row.p99_ns, row.baseline)}}}};
}

}  // namespace reactorlab::bench
