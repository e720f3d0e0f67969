#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include <sys/types.h>

namespace reactorlab::measure {

/// What the scheduler did with one thread since it began.
struct ThreadCounts {
  std::uint64_t voluntary_switches = 0;    ///< it waited for something
  std::uint64_t involuntary_switches = 0;  ///< another took the CPU from it
  std::uint64_t run_delay_ns = 0;          ///< runnable, but another was on the CPU; 0 where the kernel has no schedstat
  std::uint64_t run_ns = 0;                ///< on a CPU; 0 as well there

  friend bool operator==(const ThreadCounts&, const ThreadCounts&) = default;
};

/// The living threads of a process by their ids, which are in the order of their beginning unless the ids wrapped around. Empty
/// where the process is gone.
[[nodiscard]] std::map<pid_t, ThreadCounts> read_thread_counts(pid_t pid);

/// What happened in between to each thread that was there at the end, in the order of their ids.
[[nodiscard]] std::vector<ThreadCounts> between(const std::map<pid_t, ThreadCounts>& before,
                                                const std::map<pid_t, ThreadCounts>& after);

[[nodiscard]] ThreadCounts sum_of(const std::vector<ThreadCounts>& threads);

}  // namespace reactorlab::measure
