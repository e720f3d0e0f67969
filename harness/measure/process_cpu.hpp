#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace reactorlab::measure {

/// What the scheduler says about all living threads of a process. Threads that ended aren't in it, so take the
/// difference of two readings between which no thread ends.
struct ProcessCpu {
  std::uint64_t run_ns = 0;        ///< on a CPU
  std::uint64_t run_delay_ns = 0;  ///< runnable, but another was on the CPU
};

/// Where ProcessCpu comes from: /proc/PID/task/*/schedstat, in nanoseconds; 10 ms ticks would be too coarse.
inline constexpr const char* kProcessCpuSource = "/proc/PID/task/*/schedstat";

/// Nothing where the process is gone or the kernel has no schedstat.
[[nodiscard]] std::optional<ProcessCpu> read_process_cpu(pid_t pid);

/// Time that the hypervisor gave to others, all CPUs together, in ns (from /proc/stat's ticks).
[[nodiscard]] std::optional<std::uint64_t> read_steal_ns();

}  // namespace reactorlab::measure
