#include "harness/measure/host_facts.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string_view>
#include <thread>

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "harness/measure/process_setup.hpp"

namespace reactorlab::measure {
namespace {

constexpr const char* kUnknown = "n/a";

/// The file as one line, trailing blanks removed.
std::string file_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) return kUnknown;
  std::ostringstream text;
  text << file.rdbuf();
  std::string line = text.str();
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  return line.empty() ? kUnknown : line;
}

/// The value of the first "key : value" line.
std::string field_of(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || !line.starts_with(key)) continue;
    const auto value = line.find_first_not_of(" \t", colon + 1);
    return value == std::string::npos ? kUnknown : line.substr(value);
  }
  return kUnknown;
}

nlohmann::json limit_facts() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  return {{"open_files_soft", files.rlim_cur}, {"open_files_hard", files.rlim_max}};
}

nlohmann::json sysctl_facts() {
  static constexpr std::array kNames = {"net/core/somaxconn",
                                        "net/core/busy_poll",
                                        "net/ipv4/tcp_rmem",
                                        "net/ipv4/tcp_wmem",
                                        "net/ipv4/tcp_max_tw_buckets",
                                        "net/ipv4/tcp_tw_reuse",
                                        "net/ipv4/tcp_congestion_control",
                                        "net/ipv4/ip_local_port_range",
                                        "net/netfilter/nf_conntrack_max",
                                        "kernel/randomize_va_space",
                                        "kernel/perf_event_paranoid",
                                        "kernel/sched_autogroup_enabled"};
  nlohmann::json facts = nlohmann::json::object();
  for (const char* name : kNames) facts[name] = file_text(fmt::format("/proc/sys/{}", name));
  return facts;
}

std::string kernel_name() {
  utsname name{};
  ::uname(&name);
  return fmt::format("{} {} {}", name.sysname, name.release, name.machine);
}

/// How it was built, without who built it where (/proc/version has that too).
std::string kernel_version() {
  utsname name{};
  ::uname(&name);
  return name.version;
}

/// The parameters that change what a message costs: CPUs, idle states, ticks and clocks, mitigations, memory.
bool affects_measurement(std::string_view key) {
  static constexpr std::string_view kKeys =
      " isolcpus nohz nohz_full rcu_nocbs rcu_nocb_poll irqaffinity maxcpus nr_cpus nosmp nosmt"
      " idle cpuidle.off cpuidle_haltpoll.force guest_halt_poll_ns haltpoll intel_idle.max_cstate processor.max_cstate"
      " cpufreq.off intel_pstate amd_pstate highres skew_tick hz clocksource tsc hpet preempt threadirqs"
      " mitigations spectre_v2 spec_store_bypass_disable retbleed mds l1tf pti nopti nospectre_v1 nospectre_v2"
      " transparent_hugepage hugepages nokaslr norandmaps ";
  return kKeys.find(fmt::format(" {} ", key)) != std::string_view::npos;
}

}  // namespace

std::string measurement_parameters(std::string_view command_line) {
  std::string kept;
  std::size_t start = 0;
  bool quoted = false;
  for (std::size_t at = 0; at <= command_line.size(); ++at) {
    if (at < command_line.size() && command_line[at] == '"') quoted = !quoted;
    if (at < command_line.size() && (quoted || !std::isspace(static_cast<unsigned char>(command_line[at])))) continue;
    const std::string_view parameter = command_line.substr(start, at - start);
    start = at + 1;
    if (parameter == "--") break;  // what follows are arguments of init
    std::string key{parameter.substr(0, parameter.find('='))};
    std::replace(key.begin(), key.end(), '-', '_');  // the kernel reads both alike
    if (!affects_measurement(key)) continue;
    if (!kept.empty()) kept += ' ';
    kept += parameter;
  }
  return kept.empty() ? "none" : kept;
}

nlohmann::json machine_facts() {
  const std::string command_line = file_text("/proc/cmdline");
  return {
      {"cpu_model", field_of("/proc/cpuinfo", "model name")},
      {"cpus", std::thread::hardware_concurrency()},
      {"allowed_cpus", allowed_cpus()},
      {"caches_l2_l3",
       {file_text("/sys/devices/system/cpu/cpu0/cache/index2/size"), file_text("/sys/devices/system/cpu/cpu0/cache/index3/size")}},
      {"threads_per_core", file_text("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list")},
      {"kernel", kernel_name()},
      {"kernel_version", kernel_version()},
      {"kernel_parameters", command_line == kUnknown ? kUnknown : measurement_parameters(command_line)},
      {"hypervisor", field_of("/proc/cpuinfo", "flags").find(" hypervisor") != std::string::npos ? "yes" : "not seen"},
      {"clocksource", file_text("/sys/devices/system/clocksource/clocksource0/current_clocksource")},
      {"mitigations_spectre_v2", file_text("/sys/devices/system/cpu/vulnerabilities/spectre_v2")},
      {"transparent_hugepage", file_text("/sys/kernel/mm/transparent_hugepage/enabled")},
      {"memory", field_of("/proc/meminfo", "MemTotal")},
      {"cgroup_cpu_max", file_text("/sys/fs/cgroup/cpu.max")},
      {"limits", limit_facts()},
      {"sysctl", sysctl_facts()}};
}

nlohmann::json noise_facts() {
  return {{"load_average", file_text("/proc/loadavg")},
          {"governor", file_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")},
          {"cpu_pressure", file_text("/proc/pressure/cpu")}};
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

}  // namespace reactorlab::measure
