#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace reactorlab::measure {

/// What the scheduler says about a process.
struct ProcessCpu {
  std::uint64_t run_ns = 0;        ///< on a CPU: all its threads, those that have ended too
  std::uint64_t run_delay_ns = 0;  ///< runnable, but another was on the CPU: its living threads
  std::uint64_t slices = 0;        ///< how often its living threads got a CPU
};

/// Where ProcessCpu comes from, in nanoseconds; the 10 ms ticks of /proc/PID/stat would be too coarse.
inline constexpr const char* kProcessCpuSource = "the process's CPU clock; run delay: /proc/PID/task/*/schedstat";

/// Nothing where the process is gone or the kernel has no schedstat.
[[nodiscard]] std::optional<ProcessCpu> read_process_cpu(pid_t pid);

/// The processes that this one has started and that still exist; nothing where the kernel doesn't tell.
[[nodiscard]] std::optional<std::vector<pid_t>> read_children(pid_t pid);

/// Time that the hypervisor gave to others, all CPUs together, in ns (from /proc/stat's ticks).
[[nodiscard]] std::optional<std::uint64_t> read_steal_ns();

}  // namespace reactorlab::measure
