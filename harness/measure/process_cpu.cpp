#include "harness/measure/process_cpu.hpp"

#include <filesystem>
#include <fstream>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

namespace reactorlab::measure {

std::optional<ProcessCpu> read_process_cpu(pid_t pid) {
  ProcessCpu sum;
  bool any = false;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), error)) {
    std::ifstream schedstat(task.path() / "schedstat");
    ProcessCpu one;
    if (!(schedstat >> one.run_ns >> one.run_delay_ns)) continue;
    sum.run_ns += one.run_ns;
    sum.run_delay_ns += one.run_delay_ns;
    any = true;
  }
  if (error || !any) return std::nullopt;
  return sum;
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
