#include "harness/measure/process_cpu.hpp"

#include <filesystem>
#include <fstream>
#include <system_error>

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

namespace reactorlab::measure {

std::optional<ProcessCpu> read_process_cpu(pid_t pid) {
  clockid_t clock{};
  timespec on_cpu{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &on_cpu) != 0) return std::nullopt;
  ProcessCpu sum{.run_ns = static_cast<std::uint64_t>(on_cpu.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(on_cpu.tv_nsec)};
  bool any = false;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), error)) {
    std::ifstream schedstat(task.path() / "schedstat");
    std::uint64_t run_ns = 0, run_delay_ns = 0, slices = 0;
    if (!(schedstat >> run_ns >> run_delay_ns >> slices)) continue;
    sum.run_delay_ns += run_delay_ns;
    sum.slices += slices;
    any = true;
  }
  if (error || !any) return std::nullopt;
  return sum;
}

std::optional<std::vector<pid_t>> read_children(pid_t pid) {
  std::vector<pid_t> all;
  bool any = false;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), error)) {
    std::ifstream children(task.path() / "children");
    if (!children) continue;
    for (pid_t child = 0; children >> child;) all.push_back(child);
    any = true;
  }
  if (error || !any) return std::nullopt;
  return all;
}

std::optional<std::uint64_t> read_steal_ns() {
  std::ifstream stat("/proc/stat");
  std::string label;
  std::uint64_t user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  if (!(stat >> label >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal)) return std::nullopt;
  const long ticks_per_second = ::sysconf(_SC_CLK_TCK);
  return steal * (1'000'000'000ULL / static_cast<std::uint64_t>(ticks_per_second));
}

}  // namespace reactorlab::measure
