#pragma once

#include "harness/measure/canary.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

namespace reactorlab::bench {

/// What else went on on the machine while a sample was taken, from before its process started to after it had ended. What can't
/// be read is nothing, and `unread` says why.
struct NoiseReading {
  std::uint64_t elapsed_ns = 0;
  unsigned cpus = 1;                              ///< that are online
  std::optional<std::uint64_t> steal_ns;          ///< taken by the hypervisor, all CPUs together
  std::optional<std::uint64_t> pressure_ns;       ///< in which at least one task of the machine waited for a CPU
  std::optional<std::uint64_t> others_cpu_ns;     ///< CPU time of other processes
  std::map<std::string, measure::Canary> canary;  ///< just before the sample, by CPU: "0", or "any" where nothing is pinned
  std::map<std::string, std::string> unread;      ///< reading -> reason

  bool operator==(const NoiseReading&) const = default;
};

[[nodiscard]] nlohmann::json to_json(const NoiseReading& reading);

/// Throws nlohmann::json::exception.
[[nodiscard]] NoiseReading noise_reading_from_json(const nlohmann::json& json);

}  // namespace reactorlab::bench
