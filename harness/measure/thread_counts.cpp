#include "harness/measure/thread_counts.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <system_error>

#include <fmt/format.h>

namespace reactorlab::measure {
namespace {

namespace fs = std::filesystem;

std::optional<ThreadCounts> read_thread(const fs::path& folder) {
  ThreadCounts counts;
  int found = 0;
  std::ifstream status(folder / "status");
  for (std::string key; status >> key; status.ignore(std::numeric_limits<std::streamsize>::max(), '\n')) {
    if (key == "voluntary_ctxt_switches:") found += status >> counts.voluntary_switches ? 1 : 0;
    if (key == "nonvoluntary_ctxt_switches:") found += status >> counts.involuntary_switches ? 1 : 0;
  }
  if (found != 2) return std::nullopt;
  std::ifstream(folder / "schedstat") >> counts.run_ns >> counts.run_delay_ns;
  return counts;
}

}  // namespace

std::map<pid_t, ThreadCounts> read_thread_counts(pid_t pid) {
  std::map<pid_t, ThreadCounts> threads;
  std::error_code error;
  for (const auto& task : fs::directory_iterator(fmt::format("/proc/{}/task", pid), error)) {
    const std::string name = task.path().filename();
    pid_t id = 0;
    std::from_chars(name.data(), name.data() + name.size(), id);
    if (const auto counts = read_thread(task.path())) threads[id] = *counts;
  }
  return threads;
}

std::vector<ThreadCounts> between(const std::map<pid_t, ThreadCounts>& before, const std::map<pid_t, ThreadCounts>& after) {
  std::vector<ThreadCounts> all;
  for (const auto& [id, end] : after) {
    const auto found = before.find(id);
    const ThreadCounts begin = found == before.end() ? ThreadCounts{} : found->second;
    all.push_back({end.voluntary_switches - begin.voluntary_switches, end.involuntary_switches - begin.involuntary_switches,
                   end.run_delay_ns - begin.run_delay_ns, end.run_ns - begin.run_ns});
  }
  return all;
}

ThreadCounts sum_of(const std::vector<ThreadCounts>& threads) {
  ThreadCounts sum;
  for (const ThreadCounts& thread : threads) {
    sum.voluntary_switches += thread.voluntary_switches;
    sum.involuntary_switches += thread.involuntary_switches;
    sum.run_delay_ns += thread.run_delay_ns;
    sum.run_ns += thread.run_ns;
  }
  return sum;
}

}  // namespace reactorlab::measure
