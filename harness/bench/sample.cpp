#include "harness/bench/sample.hpp"

#include "harness/bench/json_optional.hpp"
#include "harness/bench/validity_gates.hpp"

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

template <class T>
T value_or_zero(const json& from, const char* key) {
  return optional_at<T>(from, key).value_or(T{});
}

json numbers_of(const Sample& s) {
  json counts = json::object();
  for (const auto& [name, value] : s.counts) counts[name] = or_null(value);
  return {{"ops", s.ops},
          {"wall_ns", s.wall_ns},
          {"server_cpu_ns", s.server_cpu_ns},
          {"load_cpu_ns", s.load_cpu_ns},
          {"p50_ns", or_null(s.p50_ns)},
          {"p90_ns", or_null(s.p90_ns)},
          {"p99_ns", or_null(s.p99_ns)},
          {"p999_ns", or_null(s.p999_ns)},
          {"max_ns", s.max_ns},
          {"server_run_delay_ns", s.server_run_delay_ns},
          {"steal_ns", or_null(s.steal_ns)},
          {"counts", counts}};
}

json load_json(const LoadFacts& load) {
  json trouble = nullptr;
  if (load.tcp_trouble)
    trouble = {{"retransmits", load.tcp_trouble->retransmits},
               {"timeouts", load.tcp_trouble->timeouts},
               {"listen_drops", load.tcp_trouble->listen_drops}};
  return {{"mean_ns", or_null(load.mean_ns)},
          {"mean_in_flight", or_null(load.mean_in_flight)},
          {"offered", or_null(load.offered)},
          {"send_lag_p99_ns", or_null(load.send_lag_p99_ns)},
          {"tcp_trouble", trouble}};
}

LoadFacts load_from_json(const json& from) {
  LoadFacts load{.mean_ns = optional_at<double>(from, "mean_ns"),
                 .mean_in_flight = optional_at<double>(from, "mean_in_flight"),
                 .offered = optional_at<std::uint64_t>(from, "offered"),
                 .send_lag_p99_ns = optional_at<std::uint64_t>(from, "send_lag_p99_ns"),
                 .tcp_trouble = {}};
  if (const auto trouble = optional_at<json>(from, "tcp_trouble"))
    load.tcp_trouble = measure::TcpTrouble{.retransmits = trouble->at("retransmits"),
                                           .timeouts = trouble->at("timeouts"),
                                           .listen_drops = trouble->at("listen_drops")};
  return load;
}

}  // namespace

json to_json(const Sample& s) {
  json line = {{"schema", kSchema},         {"impl", s.impl},         {"backend", s.backend},
               {"locking", s.locking},      {"workers", s.workers},   {"workload", s.cell.workload},
               {"params", s.cell.params},   {"round", s.round},       {"position", s.position},
               {"errors", s.errors},        {"verified", s.verified}, {"stalled", s.stalled},
               {"provenance", s.provenance}};
  json numbers = numbers_of(s);
  if (s.is_void()) line["void"] = s.void_reason;
  if (!s.applicable()) line["not_applicable"] = s.not_applicable;
  if (const auto gates = validity_gates(s); !gates.empty()) {  // what a reader sees is judged anew
    line["load"] = load_json(s.load);
    line["validity"] = to_json(gates);
  }
  if (s.noise) line["noise"] = to_json(*s.noise);
  if (s.spin) line["spin"] = {{"iterations", s.spin->iterations}, {"ns", s.spin->ns}};
  if (!s.has_numbers())
    for (auto& number : numbers) number = nullptr;
  line.update(numbers);
  return line;
}

Sample sample_from_json(const json& from) {
  Sample s;
  s.impl = from.at("impl");
  s.backend = from.at("backend");
  s.locking = from.at("locking");
  s.workers = from.at("workers");
  s.cell = {from.at("workload"), from.at("params").get<Params>()};
  s.round = from.at("round");
  s.position = from.at("position");
  s.void_reason = from.value("void", "");
  s.not_applicable = from.value("not_applicable", "");
  s.errors = from.at("errors");
  s.verified = from.at("verified");
  s.stalled = from.value("stalled", false);
  s.provenance = from.value("provenance", "");
  s.ops = value_or_zero<std::uint64_t>(from, "ops");
  s.wall_ns = value_or_zero<std::uint64_t>(from, "wall_ns");
  s.server_cpu_ns = value_or_zero<std::uint64_t>(from, "server_cpu_ns");
  s.load_cpu_ns = value_or_zero<std::uint64_t>(from, "load_cpu_ns");
  s.p50_ns = optional_at<std::uint64_t>(from, "p50_ns");
  s.p90_ns = optional_at<std::uint64_t>(from, "p90_ns");
  s.p99_ns = optional_at<std::uint64_t>(from, "p99_ns");
  s.p999_ns = optional_at<std::uint64_t>(from, "p999_ns");
  s.max_ns = value_or_zero<std::uint64_t>(from, "max_ns");
  s.server_run_delay_ns = value_or_zero<std::uint64_t>(from, "server_run_delay_ns");
  s.steal_ns = optional_at<std::uint64_t>(from, "steal_ns");
  if (from.contains("counts") && from["counts"].is_object())
    for (const auto& [name, value] : from["counts"].items())
      s.counts[name] = value.is_null() ? std::nullopt : std::optional(value.get<double>());
  if (from.contains("load")) s.load = load_from_json(from.at("load"));
  if (from.contains("noise")) s.noise = noise_reading_from_json(from.at("noise"));
  if (from.contains("spin")) s.spin = InjectedSpin{.iterations = from.at("spin").at("iterations"), .ns = from.at("spin").at("ns")};
  return s;
}

Sample sample_from_line(const std::string& line) {
  const json value = json::parse(line, nullptr, false);
  if (value.is_discarded()) throw DamagedLine("not JSON (cut off, or overwritten)");
  try {
    Sample sample = sample_from_json(value);
    if (sample.sound() && (sample.ops == 0 || sample.wall_ns == 0)) throw DamagedLine("a sound sample without numbers");
    return sample;
  } catch (const json::exception& error) {
    throw DamagedLine(fmt::format("no sample: {}", error.what()));
  }
}

}  // namespace reactorlab::bench
