#include "harness/bench/sample.hpp"

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

template <class T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

template <class T>
std::optional<T> optional_at(const json& from, const char* key) {
  const auto found = from.find(key);
  if (found == from.end() || found->is_null()) return std::nullopt;
  return found->get<T>();
}

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
  if (!s.sound())
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
