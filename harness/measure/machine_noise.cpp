#include "harness/measure/machine_noise.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

namespace reactorlab::measure {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::optional<pid_t> number_in(const std::string& name) {
  pid_t number = 0;
  const auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc{} && rest == name.data() + name.size() ? std::optional(number) : std::nullopt;
}

/// Nothing where the process is gone.
std::optional<std::uint64_t> cpu_of_threads(const fs::path& process) {
  std::uint64_t sum = 0;
  bool any = false;
  std::error_code error;
  for (fs::directory_iterator task(process / "task", error), end; !error && task != end; task.increment(error)) {
    std::ifstream schedstat(task->path() / "schedstat");
    std::uint64_t run_ns = 0;
    if (!(schedstat >> run_ns)) continue;
    sum += run_ns;
    any = true;
  }
  return any ? std::optional(sum) : std::nullopt;
}

/// These files have pairs of lines: the names of the counters, then their values, both behind "Tcp:" or the like.
std::optional<std::uint64_t> counter_in(std::string_view text, std::string_view table, std::string_view name) {
  std::istringstream lines{std::string(text)};
  for (std::string names, values; std::getline(lines, names) && std::getline(lines, values);) {
    if (!names.starts_with(table)) continue;
    std::istringstream keys(names), numbers(values);
    for (std::string key, number; keys >> key && numbers >> number;)
      if (key == name) return std::stoull(number);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> read_cpu_pressure_ns() {
  const std::string text = text_of("/proc/pressure/cpu");
  constexpr std::string_view kTotal = " total=";
  const auto at = text.find(kTotal);
  std::uint64_t microseconds = 0;
  if (!text.starts_with("some ") || at == std::string::npos) return std::nullopt;
  const char* const begin = text.data() + at + kTotal.size();
  if (std::from_chars(begin, text.data() + text.size(), microseconds).ec != std::errc{}) return std::nullopt;
  return microseconds * 1000;
}

std::optional<CpuOfProcesses> read_other_processes() {
  if (!fs::exists("/proc/self/schedstat")) return std::nullopt;
  CpuOfProcesses processes;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const auto pid = number_in(entry->path().filename().string());
    if (!pid || *pid == ::getpid()) continue;
    if (text_of(entry->path() / "cmdline").empty()) continue;  // a thread of the kernel, or a process that has ended
    if (const auto used = cpu_of_threads(entry->path())) processes[*pid] = *used;
  }
  return processes;
}

std::uint64_t cpu_used(const CpuOfProcesses& before, const CpuOfProcesses& after) {
  std::uint64_t sum = 0;
  for (const auto& [pid, now] : after) {
    const auto found = before.find(pid);
    const std::uint64_t then = found == before.end() ? 0 : found->second;
    sum += now > then ? now - then : 0;  // less: a thread of it ended
  }
  return sum;
}

TcpTrouble since(const TcpTrouble& before, const TcpTrouble& after) {
  return {.retransmits = after.retransmits - before.retransmits,
          .timeouts = after.timeouts - before.timeouts,
          .listen_drops = after.listen_drops - before.listen_drops};
}

std::optional<TcpTrouble> tcp_trouble_in(std::string_view snmp, std::string_view netstat) {
  const auto retransmits = counter_in(snmp, "Tcp:", "RetransSegs");
  const auto timeouts = counter_in(netstat, "TcpExt:", "TCPTimeouts");
  const auto drops = counter_in(netstat, "TcpExt:", "ListenDrops");
  if (!retransmits || !timeouts || !drops) return std::nullopt;
  return TcpTrouble{.retransmits = *retransmits, .timeouts = *timeouts, .listen_drops = *drops};
}

std::optional<TcpTrouble> read_tcp_trouble() { return tcp_trouble_in(text_of("/proc/net/snmp"), text_of("/proc/net/netstat")); }

}  // namespace reactorlab::measure
