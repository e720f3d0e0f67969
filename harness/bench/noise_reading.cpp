#include "harness/bench/noise_reading.hpp"

#include "harness/bench/json_optional.hpp"

namespace reactorlab::bench {

using nlohmann::json;

json to_json(const NoiseReading& reading) {
  json canary = json::object();
  for (const auto& [cpu, one] : reading.canary)
    canary[cpu] = {{"fastest_ns", one.fastest_ns}, {"cpu_ns", one.cpu_ns}, {"wall_ns", one.wall_ns}};
  json text = {{"elapsed_ns", reading.elapsed_ns},
               {"cpus", reading.cpus},
               {"steal_ns", or_null(reading.steal_ns)},
               {"pressure_ns", or_null(reading.pressure_ns)},
               {"others_cpu_ns", or_null(reading.others_cpu_ns)},
               {"canary", canary}};
  if (!reading.unread.empty()) text["unread"] = reading.unread;
  return text;
}

NoiseReading noise_reading_from_json(const json& from) {
  NoiseReading reading;
  reading.elapsed_ns = from.at("elapsed_ns");
  reading.cpus = from.at("cpus");
  reading.steal_ns = optional_at<std::uint64_t>(from, "steal_ns");
  reading.pressure_ns = optional_at<std::uint64_t>(from, "pressure_ns");
  reading.others_cpu_ns = optional_at<std::uint64_t>(from, "others_cpu_ns");
  for (const auto& [cpu, one] : from.at("canary").items())
    reading.canary[cpu] = {.fastest_ns = one.at("fastest_ns"), .cpu_ns = one.at("cpu_ns"), .wall_ns = one.at("wall_ns")};
  if (from.contains("unread")) reading.unread = from.at("unread").get<std::map<std::string, std::string>>();
  return reading;
}

}  // namespace reactorlab::bench
