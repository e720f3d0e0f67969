#include "harness/bench/registry.hpp"
#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"
#include "harness/load/load.hpp"
#include "harness/measure/callgrind.hpp"
#include "harness/measure/command.hpp"
#include "harness/measure/host_facts.hpp"
#include "harness/measure/hot_processes.hpp"
#include "harness/measure/kernel_counts.hpp"
#include "harness/measure/process_cpu.hpp"
#include "harness/measure/process_memory.hpp"
#include "harness/measure/process_setup.hpp"
#include "harness/measure/thread_counts.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

std::string text_of(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

void fact(std::string_view name, const std::string& value) { fmt::print("  {:<26} {}\n", name, value); }

void print_machine(const json& machine, const json& noise) {
  fmt::print("Machine\n");
  for (const char* name : {"cpu_model", "cpus", "allowed_cpus", "threads_per_core", "hypervisor", "kernel", "kernel_parameters",
                           "clocksource", "memory", "cgroup_cpu_max"})
    fact(name, text_of(machine.at(name)));
  fact("governor", text_of(noise.at("governor")));
  fact("open files", fmt::format("{} (hard limit)", measure::raise_descriptor_limit()));
  for (const auto& [name, value] : machine.at("sysctl").items()) fact(name, text_of(value));
}

/// CPU time that the hypervisor took during the wait, in percent of all CPUs.
std::string steal_now(unsigned cpus) {
  constexpr auto kWait = std::chrono::seconds(1);
  const auto before = measure::read_steal_ns();
  std::this_thread::sleep_for(kWait);
  const auto after = measure::read_steal_ns();
  if (!before || !after) return "n/a: /proc/stat doesn't say";
  const double total = 1e9 * static_cast<double>(kWait.count()) * cpus;
  return fmt::format("{:.1f} % over {} s", 100 * static_cast<double>(*after - *before) / total, kWait.count());
}

void print_noise(const json& noise, unsigned cpus, const std::vector<measure::HotProcess>& hot) {
  fmt::print("\nNoise\n");
  fact("load average", text_of(noise.at("load_average")));
  fact("CPU pressure", text_of(noise.at("cpu_pressure")).substr(0, text_of(noise.at("cpu_pressure")).find('\n')));
  fact("steal", steal_now(cpus));
  fact("hot processes", hot.empty() ? "none over 1 s" : measure::describe(hot));
}

void can(std::string_view what, bool possible, std::string_view how, std::string_view remedy) {
  fmt::print("  {} {:<36} {}\n", possible ? "yes" : "no ", what, possible ? how : remedy);
}

/// `obstacle`: why not, with the remedy; nothing where it can.
void can(std::string_view what, std::string_view how, const std::optional<std::string>& obstacle) {
  can(what, !obstacle, how, obstacle.value_or(""));
}

std::optional<std::string> obstacle_to_io_uring() {
  io_uring_params params{};
  const long fd = ::syscall(SYS_io_uring_setup, 1, &params);
  if (fd >= 0) {
    ::close(static_cast<int>(fd));
    return std::nullopt;
  }
  return fmt::format(
      "io_uring_setup: {} (/proc/sys/kernel/io_uring_disabled, a container's seccomp filter, or a kernel before 5.1)",
      std::system_category().message(errno));
}

/// What no server can be asked beyond, by one generator.
load::LoadResult run_generator_alone() {
  load::LoadOptions options;
  options.to_itself = true;
  options.warmup = std::chrono::milliseconds(20);
  options.duration = std::chrono::milliseconds(100);
  options.cpu = measure::allowed_cpus().back();
  try {
    return load::run_load(options);
  } catch (const std::exception& error) {  // what this machine refuses
    load::LoadResult refused;
    refused.error = error.what();
    return refused;
  }
}

void print_generator() {
  const load::LoadResult alone = run_generator_alone();
  const double rate = static_cast<double>(alone.ops) * 1e9 / static_cast<double>(std::max<std::uint64_t>(alone.wall_ns, 1));
  can("echoes by one generator", alone.verified(), fmt::format("up to {:.0f}/s (bench load --connect=self)", rate), alone.error);
}

void print_timed(const json& machine, const json& noise) {
  fmt::print("\nMeasurable here, timed (`bench run`, `bench load`)\n");
  const std::size_t cpus = machine.at("allowed_cpus").size();
  can("server and load on CPUs of their own", cpus >= 2, fmt::format("{} CPUs", cpus),
      "one CPU only: both share it, and rates and latencies mean little");
  print_generator();
  can("server CPU per operation", measure::read_process_cpu(::getpid()).has_value(), measure::kProcessCpuSource,
      "this kernel has no schedstat: n/a");
  can("user memory per connection", measure::read_user_memory(::getpid()).has_value(), measure::kUserMemorySource,
      "no /proc/PID/smaps_rollup that this user may read: n/a");
  can("switches and run delay per thread", !measure::read_thread_counts(::getpid()).empty(), "/proc/PID/task/*/status, schedstat",
      "no /proc/PID/task that this user may read: n/a");
  can("steal", measure::read_steal_ns().has_value(), "/proc/stat", "/proc/stat doesn't say: n/a");
  can("CPU pressure", noise.at("cpu_pressure") != "n/a", "/proc/pressure/cpu",
      "the kernel has no PSI (boot with psi=1, CONFIG_PSI): n/a");
  can("a CPU frequency that stays", noise.at("governor") == "n/a" || noise.at("governor") == "performance",
      noise.at("governor") == "n/a" ? "the machine shows no governor (usual in virtual machines): nothing to set" : "performance",
      fmt::format("the governor is {}: as root, cpupower frequency-set -g performance", text_of(noise.at("governor"))));
  for (const std::uint64_t conns : {1024U, 8000U})
    can(fmt::format("{} connections", conns), measure::raise_descriptor_limit() >= conns + 64, "enough open files",
        fmt::format("raise the hard limit of open files (as root: ulimit -Hn {})", conns + 64));
  const std::string quota = text_of(machine.at("cgroup_cpu_max"));
  can("all of these CPUs", quota == "n/a" || quota.starts_with("max"), "no quota that can be seen",
      fmt::format("the cgroup gets {} (quota and period in us): a throttled server stalls", quota));
  can("io_uring", "io_uring_setup works", obstacle_to_io_uring());
  for (const Impl& impl : impls())
    if (const auto reason = impl.make()->obstacle()) can(fmt::format("the peer {}", impl.name), "", reason);
  for (const LeftOut& peer : left_out())
    can(fmt::format("the peer {}", peer.name), false, "", fmt::format("{}: run scripts/setup bench, build again", peer.reason));
  can("charts", measure::is_installed("python3"), "scripts/plot (needs matplotlib)", "install python3-matplotlib");
}

void print_counted() {
  fmt::print("\nMeasurable here, counted (`bench counts`, scripts/counts)\n");
  can("the runtime's own statistics", true, "always", "");
  can("system calls by name, wakeups", "kernel tracepoints", measure::KernelCounts::obstacle());
  can("system calls by name, by a tracer", measure::is_installed("strace"), "strace -f -c (scripts/counts)", "install strace");
  can("user instructions per operation", "callgrind, N against 2N", measure::obstacle_to_callgrind());
  const bool hardware = measure::output_of({"perf", "stat", "-x,", "-e", "instructions", "-o", "/dev/stdout", "true"})
                            .value_or("<not")
                            .find("<not") == std::string::npos;
  can("hardware counters", hardware, "perf stat", "no PMU that perf can use (usual in virtual machines), or no perf");
}

/// -> whether it can be
bool print_publication(const std::vector<measure::HotProcess>& hot) {
  fmt::print("\nPublication\n");
  can("a run of the tier standard", hot.empty(), "nothing else is hot",
      fmt::format("refused now: {}. Stop that or wait; --accept-noise measures nevertheless", measure::describe(hot)));
  return hot.empty();
}

}  // namespace

int doctor_verb() {
  const json machine = measure::machine_facts();
  const json noise = measure::noise_facts();
  print_machine(machine, noise);
  const auto hot = measure::find_hot_processes();
  print_noise(noise, machine.at("cpus").get<unsigned>(), hot);
  print_timed(machine, noise);
  print_counted();
  return print_publication(hot) ? kExitOk : kExitFailure;
}

}  // namespace reactorlab::bench
