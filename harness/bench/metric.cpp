#include "harness/bench/metric.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

std::optional<double> rate(const Sample& sample) {
  // How fast idle connections were opened is nobody's question.
  const bool memory = is_workload(sample.cell.workload) && workload_of(sample.cell.workload).metric == Metric::UserBytes;
  if (memory || !sample.sound() || sample.wall_ns == 0) return std::nullopt;
  return sample.ops_per_s();
}

template <Metric kMetric>
std::optional<double> cost(const Sample& sample) {
  return value_of(kMetric, sample);
}

template <std::optional<std::uint64_t> Sample::*kPercentile>
std::optional<double> percentile(const Sample& sample) {
  const auto& value = sample.*kPercentile;
  return sample.sound() && value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

}  // namespace

const std::vector<Figure>& figures() {
  using enum measure::Direction;
  static const std::vector<Figure> all = {{"server_cpu_ns_per_op", LowerIsFaster, cost<Metric::ServerCpu>},
                                          {"cpu_ns_per_op", LowerIsFaster, cost<Metric::ServerCpu>},
                                          {"wall_ns_per_op", LowerIsFaster, cost<Metric::Wall>},
                                          {"user_bytes_per_op", LowerIsFaster, cost<Metric::UserBytes>},
                                          {"ops_per_s", HigherIsFaster, rate},
                                          {"p50_ns", LowerIsFaster, percentile<&Sample::p50_ns>},
                                          {"p90_ns", LowerIsFaster, percentile<&Sample::p90_ns>},
                                          {"p99_ns", LowerIsFaster, percentile<&Sample::p99_ns>},
                                          {"p999_ns", LowerIsFaster, percentile<&Sample::p999_ns>}};
  return all;
}

const Figure& figure_named(std::string_view name) {
  const auto& all = figures();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Figure& figure) { return figure.name == name; });
  if (found == all.end()) throw std::out_of_range(fmt::format("there is no figure '{}'", name));
  return *found;
}

const MetricInfo& info_of(Metric metric) {
  static constexpr MetricInfo kServerCpu = {"server_cpu_ns_per_op", "ns", "CPU time"};
  static constexpr MetricInfo kWall = {"wall_ns_per_op", "ns", "elapsed time"};
  static constexpr MetricInfo kP99 = {"p99_ns", "ns", "latency, 99th percentile,"};
  static constexpr MetricInfo kUserBytes = {"user_bytes_per_op", "B", "user memory"};
  switch (metric) {
    case Metric::ServerCpu: break;
    case Metric::Wall: return kWall;
    case Metric::UserBytes: return kUserBytes;
    case Metric::P99: return kP99;
  }
  return kServerCpu;
}

std::optional<double> value_of(Metric metric, const Sample& sample) {
  if (!sample.sound() || sample.ops == 0) return std::nullopt;
  switch (metric) {
    case Metric::ServerCpu: break;
    case Metric::Wall: return static_cast<double>(sample.wall_ns) / static_cast<double>(sample.ops);
    case Metric::UserBytes: {
      const auto found = sample.counts.find("user_bytes");
      return found == sample.counts.end() ? std::nullopt : found->second;
    }
    case Metric::P99: return sample.p99_ns ? std::optional(static_cast<double>(*sample.p99_ns)) : std::nullopt;
  }
  return sample.cpu_ns_per_op();
}

std::string_view verdict_text(Metric metric, measure::Verdict verdict) {
  if (metric != Metric::UserBytes) return measure::to_string(verdict);
  if (verdict == measure::Verdict::Faster) return "smaller";
  if (verdict == measure::Verdict::Slower) return "larger";
  return measure::to_string(verdict);
}

Scale scale_of(Metric metric, double largest) {
  if (metric == Metric::UserBytes) return {1, "B", 1};
  return largest < 1000 ? Scale{1, "ns", 1} : Scale{1000, "us", 3};
}

}  // namespace reactorlab::bench
