#include "harness/bench/registry.hpp"
#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"
#include "harness/measure/command.hpp"
#include "harness/measure/host_facts.hpp"
#include "harness/measure/process_cpu.hpp"
#include "harness/measure/process_setup.hpp"

#include <chrono>
#include <thread>

#include <fmt/format.h>
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

void print_noise(const json& noise, unsigned cpus) {
  fmt::print("\nNoise\n");
  fact("load average", text_of(noise.at("load_average")));
  fact("CPU pressure", text_of(noise.at("cpu_pressure")).substr(0, text_of(noise.at("cpu_pressure")).find('\n')));
  fact("steal", steal_now(cpus));
}

void can(std::string_view what, bool possible, std::string_view how, std::string_view remedy) {
  fmt::print("  {} {:<34} {}\n", possible ? "yes" : "no ", what, possible ? how : remedy);
}

void print_capabilities(const json& machine) {
  fmt::print("\nMeasurable here\n");
  const std::size_t cpus = machine.at("allowed_cpus").size();
  can("server and load on CPUs of their own", cpus >= 2, fmt::format("{} CPUs", cpus),
      "one CPU only: both share it, and rates and latencies mean little");
  can("server CPU per operation", measure::read_process_cpu(::getpid()).has_value(), measure::kProcessCpuSource,
      "this kernel has no schedstat: n/a");
  can("1024 connections", measure::raise_descriptor_limit() >= 1024 + 64, "enough open files",
      "raise the hard limit of open files (as root: ulimit -Hn 4096)");
  can("system calls by name", measure::is_installed("strace"), "strace -f -c", "install strace");
  can("user instructions per operation", measure::is_installed("valgrind"), "callgrind, N against 2N", "install valgrind");
  can("kernel tracepoints", measure::is_installed("perf") && ::geteuid() == 0, "perf, as root", "install linux-perf, be root");
  const bool hardware = measure::output_of({"perf", "stat", "-x,", "-e", "instructions", "-o", "/dev/stdout", "true"})
                            .value_or("<not")
                            .find("<not") == std::string::npos;
  can("hardware counters", hardware, "perf stat", "no PMU that perf can use (usual in virtual machines), or no perf");
  for (const LeftOut& peer : left_out())
    can(fmt::format("the peer {}", peer.name), false, "", fmt::format("{}: run scripts/setup bench, build again", peer.reason));
  can("charts", measure::is_installed("python3"), "scripts/plot (needs matplotlib)", "install python3-matplotlib");
}

}  // namespace

int doctor_verb() {
  const json machine = measure::machine_facts();
  const json noise = measure::noise_facts();
  print_machine(machine, noise);
  print_noise(noise, machine.at("cpus").get<unsigned>());
  print_capabilities(machine);
  fmt::print("\nAn idle machine measures best: stop what else is running, then look at the load average above.\n");
  return kExitOk;
}

}  // namespace reactorlab::bench
