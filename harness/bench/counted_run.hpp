#pragma once

#include "harness/bench/count_table.hpp"
#include "harness/bench/entry.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace reactorlab::bench {

struct CountSettings {
  std::optional<int> server_cpu = {}, load_cpu = {};
  std::optional<std::string> no_kernel_counts = {};  ///< why what is asked of the kernel can't be counted; else it is
  bool instructions = false;                         ///< too, by callgrind: slow
  std::size_t repetitions = 3;                       ///< of all but the instructions
  std::uint64_t shortening = 20;  ///< how many times fewer operations than a timed sample a workload inside the process does
  std::string executable = "/proc/self/exe";
};

/// What there is a deterministic load for: tcp_echo without a pipeline, and everything inside the process.
[[nodiscard]] bool can_be_counted(const Cell& cell);

/// Counts what one operation of the entry costs, by runs of N and of 2N operations, each in a process of its own: the kernel's
/// tracepoints, the runtime's statistics, context switches, and instructions. A failure is a reason in the column, never an
/// exception.
[[nodiscard]] CountColumn count_operations(const Entry& entry, const Cell& cell, const CountSettings& settings);

}  // namespace reactorlab::bench
