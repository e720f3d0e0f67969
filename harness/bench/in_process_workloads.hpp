#pragma once

#include "harness/bench/workload.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace reactorlab::bench {

/// A workload inside one process: no sockets and no load generator. Engine::run_in_process does it. Which there are, their
/// definitions say (harness/workloads); who does them for the variants, variants_in_process.cpp.
struct InProcessWorkload {
  std::string_view name;
  std::string_view summary;  ///< one line
  std::vector<Params> cells;
  std::uint64_t operations;      ///< of one sample: 0.2 to 0.5 s for the slowest home
  bool has_latency = false;      ///< the percentiles of its samples mean something
  bool foreign_threads = false;  ///< the workload has threads of its own beside the runtime: they get the other CPU
  bool spread = false;           ///< several threads run tasks, or more than there are CPUs: all threads go where there is room
};

[[nodiscard]] const std::vector<InProcessWorkload>& in_process_workloads();

/// nullptr: no workload in the process has that name.
[[nodiscard]] const InProcessWorkload* find_in_process_workload(std::string_view name);

}  // namespace reactorlab::bench
