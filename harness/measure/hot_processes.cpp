#include "harness/measure/hot_processes.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

namespace reactorlab::measure {
namespace {

namespace fs = std::filesystem;

std::optional<std::uint64_t> read_busy_ticks() {
  std::ifstream stat("/proc/stat");
  std::string label;
  std::uint64_t user = 0, nice = 0, system = 0;
  if (!(stat >> label >> user >> nice >> system)) return std::nullopt;
  return user + nice + system;
}

/// The process's, in between; all of it where it began in between.
std::uint64_t used(const ProcessTable& before, pid_t pid, const ProcessTicks& now) {
  const auto found = before.processes.find(pid);
  const bool same = found != before.processes.end() && found->second.started == now.started;
  return now.ticks - (same ? std::min(now.ticks, found->second.ticks) : 0);
}

}  // namespace

std::optional<ProcessTicks> parse_process_stat(const std::string& line) {
  // "4711 (a name (with) blanks) S 1 ...": the name ends at the last parenthesis.
  const auto open = line.find('('), close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  std::istringstream fields(line.substr(close + 1));
  constexpr int kUserTime = 14, kSystemTime = 15, kStartTime = 22;  // as proc(5) counts them
  ProcessTicks process{.name = line.substr(open + 1, close - open - 1)};
  std::string word;
  for (int field = 3; field <= kStartTime; ++field) {
    if (!(fields >> word)) return std::nullopt;
    std::uint64_t value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    if (field == kUserTime || field == kSystemTime) process.ticks += value;
    if (field == kStartTime) process.started = value;
  }
  return process;
}

ProcessTable read_process_table() {
  ProcessTable table{.processes = {}, .busy_ticks = read_busy_ticks()};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size()) continue;
    std::string line;
    if (!std::getline(std::ifstream(entry.path() / "stat"), line)) continue;
    if (auto process = parse_process_stat(line)) table.processes[pid] = std::move(*process);
  }
  return table;
}

std::vector<HotProcess> hot_between(const ProcessTable& before, const ProcessTable& after, double ticks,
                                    const std::set<pid_t>& own) {
  std::vector<HotProcess> hot;
  std::uint64_t seen = 0;
  for (const auto& [pid, process] : after.processes) {
    const std::uint64_t own_ticks = used(before, pid, process);
    seen += own_ticks;
    const double share = static_cast<double>(own_ticks) / ticks;
    if (share >= kHotShare && !own.contains(pid)) hot.push_back({pid, process.name, share});
  }
  if (before.busy_ticks && after.busy_ticks) {
    const auto all = static_cast<double>(*after.busy_ticks - *before.busy_ticks);
    const double unseen = (all - static_cast<double>(seen)) / ticks;
    if (unseen >= kHotUnseenShare) hot.push_back({0, "processes that came and went, or can't be seen from here", unseen});
  }
  std::sort(hot.begin(), hot.end(),
            [](const HotProcess& a, const HotProcess& b) { return a.share != b.share ? a.share > b.share : a.pid < b.pid; });
  return hot;
}

std::vector<HotProcess> find_hot_processes(std::chrono::milliseconds watch) {
  const auto begin = std::chrono::steady_clock::now();
  const ProcessTable before = read_process_table();
  std::this_thread::sleep_for(watch);
  const ProcessTable after = read_process_table();
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
  return hot_between(before, after, passed.count() * static_cast<double>(::sysconf(_SC_CLK_TCK)), {::getpid()});
}

std::string describe(const std::vector<HotProcess>& hot) {
  std::string text;
  for (const HotProcess& one : hot) {
    const std::string who = one.pid == 0 ? one.name : fmt::format("{} (pid {})", one.name, one.pid);
    const bool several = one.pid == 0;
    text += text.empty() ? fmt::format("{} {} {:.0f} % of a CPU", who, several ? "take" : "takes", 100 * one.share)
                         : fmt::format(", {} {:.0f} %", who, 100 * one.share);
  }
  return text;
}

}  // namespace reactorlab::measure
