#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

/// Who else uses the CPUs. Interleaved rounds cancel what drifts, but not a neighbour that comes and goes.
namespace reactorlab::measure {

/// CPU time in the kernel's ticks (10 ms, usually).
struct ProcessTicks {
  std::string name;
  std::uint64_t ticks = 0;    ///< user and kernel, all threads
  std::uint64_t started = 0;  ///< tells a process from a later one with its number
};

/// All that this process can see, at one moment.
struct ProcessTable {
  std::map<pid_t, ProcessTicks> processes;
  std::optional<std::uint64_t> busy_ticks;  ///< of all CPUs, whoever's they are, interrupts and steal left out
};

/// Of a line of /proc/PID/stat; nothing for what is none.
[[nodiscard]] std::optional<ProcessTicks> parse_process_stat(const std::string& line);

[[nodiscard]] ProcessTable read_process_table();

struct HotProcess {
  pid_t pid;  ///< 0: those that can't be seen from here, or that came and went
  std::string name;
  double share;  ///< of one CPU
};

/// A process that takes less of one CPU disturbs little.
inline constexpr double kHotShare = 0.10;
/// What nobody is seen to use is known less well: every process's ticks are cut off.
inline constexpr double kHotUnseenShare = 0.25;

/// Those that used so much between two readings `ticks` apart, the hottest first; `own` are no others.
[[nodiscard]] std::vector<HotProcess> hot_between(const ProcessTable& before, const ProcessTable& after, double ticks,
                                                  const std::set<pid_t>& own);

/// Watches for that long; this process is none of them.
[[nodiscard]] std::vector<HotProcess> find_hot_processes(std::chrono::milliseconds watch = std::chrono::seconds(1));

/// "stress (pid 4711) takes 98 % of a CPU, cc1plus (pid 4712) 51 %"; empty where there are none.
[[nodiscard]] std::string describe(const std::vector<HotProcess>& hot);

}  // namespace reactorlab::measure
