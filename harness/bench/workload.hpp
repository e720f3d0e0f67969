#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace reactorlab::bench {

/// By name, so that workloads with other parameters need no other type.
using Params = std::map<std::string, std::uint64_t>;

/// What is measured once in every round for every entry.
struct Cell {
  std::string workload;
  Params params;

  bool operator==(const Cell&) const = default;
  auto operator<=>(const Cell&) const = default;
};

/// "tcp_echo: 64 conns, 16 KiB, pipeline 1".
[[nodiscard]] std::string describe(const Cell& cell);

/// What an operation costs: what medians, ratios and verdicts of a workload are about (metric.hpp).
enum class Metric {
  ServerCpu,  ///< CPU time of the threads that serve, or do the work in the process
  Wall,       ///< time that passes, where waiting is the point
  UserBytes,  ///< user memory
};

struct Workload {
  std::string_view name;
  std::string_view operation;  ///< what is counted: "message"
  std::string_view summary;
  Metric metric = Metric::ServerCpu;
  bool has_latency = false;        ///< percentiles over its operations mean something
  bool in_process = false;         ///< no server and no load generator
  Params usual = {};               ///< for parameters that the command line leaves open
  std::vector<Params> cells = {};  ///< all that the standard tier measures
};

/// Those with a server, then those inside the process.
[[nodiscard]] const std::vector<Workload>& workloads();

/// REQUIRES: a name of workloads(); throws std::out_of_range.
[[nodiscard]] const Workload& workload_of(std::string_view name);

[[nodiscard]] bool is_workload(std::string_view name);

/// Names and lists of a parameter's values: all combinations, the first name varying slowest.
[[nodiscard]] std::vector<Params> product(const std::vector<std::pair<std::string, std::vector<std::uint64_t>>>& axes);

}  // namespace reactorlab::bench
