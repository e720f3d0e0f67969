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
  P99,        ///< the latency that one operation in 100 exceeds, where those are the point
};

/// What workloads have in common, in the order of lists.
enum class Family { SteadyIo, Accept, Mixed, Scale, Registration, Timers, CrossThread, Micro, Control };

/// Who runs where.
enum class Topology {
  T1,     ///< one worker on the first CPU; who loads it, another process or threads of the workload's own, on the second
  T2Syn,  ///< two workers, one for each CPU; the load is made inside
  T2Mix,  ///< two workers and the load share both CPUs, unpinned
  TOver,  ///< more workers than CPUs
};

/// What is expected of the four homes, written before the workload was measured.
struct Hypothesis {
  std::vector<std::vector<std::string>> order;  ///< cheapest first, by the workload's metric; who is in one group is equivalent
  std::string because;
  std::string source;   ///< a place of the catalogue, a published finding
  std::string written;  ///< the day, as 2026-11-29
};

/// Read from its file in harness/workloads (workload_file.hpp).
struct Workload {
  std::string name;
  Family family = Family::SteadyIo;
  Topology topology = Topology::T1;
  std::string operation;  ///< what is counted: "message"
  std::string summary;
  std::string isolates;  ///< what it measures that others don't
  Metric metric = Metric::ServerCpu;
  bool has_latency = false;                          ///< percentiles over its operations mean something
  bool in_process = false;                           ///< no server and no load generator
  std::uint64_t operations = 0;                      ///< in the process: of one sample
  bool foreign_threads = false;                      ///< in the process: it has threads of its own beside the runtime
  Params usual = {};                                 ///< for parameters that the command line leaves open
  std::map<std::string, std::string> meanings = {};  ///< of each parameter
  std::vector<Params> cells = {};                    ///< all that the standard tier measures
  std::string answer;                                ///< what is expected, and so verified
  Hypothesis hypothesis;
};

/// All, by family and then by name. Throws DefinitionError (workload_file.hpp).
[[nodiscard]] const std::vector<Workload>& workloads();

/// REQUIRES: a name of workloads(); throws std::out_of_range.
[[nodiscard]] const Workload& workload_of(std::string_view name);

[[nodiscard]] bool is_workload(std::string_view name);

[[nodiscard]] std::vector<std::string> workload_names();

/// "steady_io" and "t1", as the files call them.
[[nodiscard]] std::string_view to_string(Family family);
[[nodiscard]] std::string_view to_string(Topology topology);

/// A line about it.
[[nodiscard]] std::string_view meaning_of(Family family);
[[nodiscard]] std::string_view meaning_of(Topology topology);

/// Names and lists of a parameter's values: all combinations, the first name varying slowest.
[[nodiscard]] std::vector<Params> product(const std::vector<std::pair<std::string, std::vector<std::uint64_t>>>& axes);

}  // namespace reactorlab::bench
