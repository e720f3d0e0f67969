#include "harness/bench/validity_gates.hpp"

#include "harness/bench/json_optional.hpp"
#include "harness/load/validity.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

ValidityGate unknown(std::string_view name, char flag, double limit, std::string why) {
  return {name, flag, std::nullopt, std::nullopt, limit, "n/a: " + std::move(why)};
}

ValidityGate at_most(std::string_view name, char flag, double value, double limit, std::string text) {
  return {name, flag, value <= limit, value, limit, std::move(text)};
}

ValidityGate rate_gate(const Sample& sample) {
  if (!sample.load.offered) return unknown("rate", 'r', load::kRateRatioMin, "a closed loop asks as fast as it is answered");
  const double ratio = static_cast<double>(sample.ops) / static_cast<double>(std::max<std::uint64_t>(*sample.load.offered, 1));
  return {"rate", 'r', ratio >= load::kRateRatioMin, ratio, load::kRateRatioMin, fmt::format("achieved/offered {:.4f}", ratio)};
}

ValidityGate send_lag_gate(const Sample& sample) {
  const double limit = std::max(static_cast<double>(load::kSendLagMaxNs), 0.1 * static_cast<double>(sample.p50_ns.value_or(0)));
  if (!sample.load.send_lag_p99_ns) return unknown("send_lag", 's', limit, "a closed loop has no schedule to be late for");
  const auto lag = static_cast<double>(*sample.load.send_lag_p99_ns);
  return at_most("send_lag", 's', lag, limit, fmt::format("p99 of sent - intended {:.1f} us", lag / 1000));
}

ValidityGate headroom_gate(const Sample& sample) {
  const double busy = static_cast<double>(sample.load_cpu_ns) / static_cast<double>(sample.wall_ns);
  return at_most("headroom", 'h', busy, load::kBusyShareMax,
                 fmt::format("the generator was busy {:.0f} % of the time", busy * 100));
}

ValidityGate littles_law_gate(const Sample& sample) {
  if (!sample.load.mean_ns || !sample.load.mean_in_flight)
    return unknown("littles_law", 'l', load::kLittlesLawMax, "its load has no latencies, or doesn't count what is in flight");
  const double counted = *sample.load.mean_in_flight;
  const double expected = sample.ops_per_s() * 1e-9 * *sample.load.mean_ns;
  const double apart = std::abs(counted - expected) / std::max({counted, expected, 1e-9});
  return at_most("littles_law", 'l', apart, load::kLittlesLawMax,
                 fmt::format("in flight {:.2f}, rate x mean latency {:.2f}", counted, expected));
}

ValidityGate errors_gate(const Sample& sample) {
  return at_most("errors", 'e', static_cast<double>(sample.errors), 0, fmt::format("{} errors", sample.errors));
}

ValidityGate network_gate(const Sample& sample) {
  if (!sample.load.tcp_trouble) return unknown("network", 't', 0, "/proc/net/snmp or /proc/net/netstat has no such counters");
  const measure::TcpTrouble& trouble = *sample.load.tcp_trouble;
  return at_most("network", 't', static_cast<double>(trouble.retransmits + trouble.timeouts + trouble.listen_drops), 0,
                 fmt::format("{} segments sent again, {} timeouts, {} connections lost by a full queue", trouble.retransmits,
                             trouble.timeouts, trouble.listen_drops));
}

bool has_server(const Sample& sample) { return is_workload(sample.cell.workload) && !workload_of(sample.cell.workload).in_process; }

std::string_view meaning_of(char flag) {
  switch (flag) {
    case 'r': return "the offered rate wasn't achieved: latencies describe a growing queue";
    case 's': return "messages left late: latencies are partly the generator's";
    case 'h':
      return "the generator was busy for more than 80 % of the time: op/s and latencies are the pair's, and small differences of "
             "CPU time come out smaller";
    case 'l': return "in flight and rate x latency differ by more than 5 %: the mean latency describes something else";
    case 'e': return "errors";
    default:
      return "segments were sent again, or connections lost in a full queue: a pause of 40 ms and more may be among the latencies";
  }
}

}  // namespace

std::vector<ValidityGate> validity_gates(const Sample& sample) {
  if (sample.is_void() || !sample.applicable() || sample.wall_ns == 0 || !has_server(sample)) return {};
  std::vector<ValidityGate> gates = {rate_gate(sample), send_lag_gate(sample)};
  gates.push_back(workload_of(sample.cell.workload).metric == Metric::UserBytes
                      ? unknown("headroom", 'h', load::kBusyShareMax, "bytes don't depend on how busy anybody was")
                      : headroom_gate(sample));
  gates.push_back(littles_law_gate(sample));
  gates.push_back(errors_gate(sample));
  gates.push_back(network_gate(sample));
  return gates;
}

json to_json(const std::vector<ValidityGate>& gates) {
  json all = json::object();
  for (const ValidityGate& gate : gates)
    all[std::string(gate.name)] =
        gate.passed ? json{{"passed", *gate.passed}, {"value", or_null(gate.value)}, {"limit", gate.limit}} : json(nullptr);
  return all;
}

std::vector<GateTally> tally_gates(const std::vector<const Sample*>& row) {
  std::vector<GateTally> tallies;
  for (const Sample* sample : row) {
    if (!sample->sound()) continue;
    for (const ValidityGate& gate : validity_gates(*sample)) {
      if (!gate.passed) continue;
      auto own = std::find_if(tallies.begin(), tallies.end(), [&](const GateTally& one) { return one.name == gate.name; });
      if (own == tallies.end()) own = tallies.insert(own, {gate.name, gate.flag});
      ++own->judged;
      own->failed += *gate.passed ? 0 : 1;
    }
  }
  return tallies;
}

std::string flags_text(const std::vector<GateTally>& tallies) {
  std::string text;
  for (const GateTally& one : tallies) {
    if (one.failed == 0) continue;
    if (!text.empty()) text += ' ';
    text += one.flag;
    if (one.failed < one.judged) text += fmt::format(" {}/{}", one.failed, one.judged);
  }
  return text.empty() ? text : "[" + text + "]";
}

std::string flag_legend(const std::vector<GateTally>& tallies) {
  std::string text;
  for (const GateTally& one : tallies)
    if (one.failed > 0) text += fmt::format("  [{}] {}: {}\n", one.flag, one.name, meaning_of(one.flag));
  return text;
}

}  // namespace reactorlab::bench
