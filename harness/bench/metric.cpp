#include "harness/bench/metric.hpp"

namespace reactorlab::bench {

const MetricInfo& info_of(Metric metric) {
  static constexpr MetricInfo kServerCpu = {"server_cpu_ns_per_op", "ns", "CPU time"};
  static constexpr MetricInfo kWall = {"wall_ns_per_op", "ns", "elapsed time"};
  static constexpr MetricInfo kUserBytes = {"user_bytes_per_op", "B", "user memory"};
  switch (metric) {
    case Metric::ServerCpu: break;
    case Metric::Wall: return kWall;
    case Metric::UserBytes: return kUserBytes;
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
  }
  return sample.cpu_ns_per_op();
}

std::string_view verdict_text(Metric metric, measure::Verdict verdict) {
  if (metric != Metric::UserBytes) return measure::to_string(verdict);
  if (verdict == measure::Verdict::Faster) return "smaller";
  if (verdict == measure::Verdict::Slower) return "larger";
  return measure::to_string(verdict);
}

}  // namespace reactorlab::bench
