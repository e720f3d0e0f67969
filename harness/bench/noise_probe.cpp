#include "harness/bench/noise_probe.hpp"

#include "harness/measure/process_cpu.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>
#include <thread>

namespace reactorlab::bench {
namespace {

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

std::optional<std::uint64_t> difference(std::optional<std::uint64_t> before, std::optional<std::uint64_t> after) {
  return before && after && *after >= *before ? std::optional(*after - *before) : std::nullopt;
}

}  // namespace

NoiseProbe::NoiseProbe(std::optional<int> server_cpu, std::optional<int> load_cpu) {
  reading_.cpus = std::max(1U, std::thread::hardware_concurrency());
  take_canary(server_cpu);
  if (load_cpu != server_cpu) take_canary(load_cpu);
  others_ = measure::read_other_processes();
  steal_ = measure::read_steal_ns();
  pressure_ = measure::read_cpu_pressure_ns();
  began_ns_ = now_ns();
}

void NoiseProbe::take_canary(std::optional<int> cpu) {
  try {
    reading_.canary[cpu ? std::to_string(*cpu) : "any"] = measure::run_canary(cpu);
  } catch (const std::system_error& error) {
    reading_.unread["canary"] = error.what();
  }
}

NoiseReading NoiseProbe::finish() {
  reading_.elapsed_ns = now_ns() - began_ns_;
  reading_.pressure_ns = difference(pressure_, measure::read_cpu_pressure_ns());
  reading_.steal_ns = difference(steal_, measure::read_steal_ns());
  const auto others = measure::read_other_processes();
  if (others_ && others) reading_.others_cpu_ns = measure::cpu_used(*others_, *others);
  if (!reading_.pressure_ns) reading_.unread["pressure"] = "this kernel has no /proc/pressure/cpu (CONFIG_PSI, or psi=1)";
  if (!reading_.steal_ns) reading_.unread["steal"] = "/proc/stat doesn't say";
  if (!reading_.others_cpu_ns) reading_.unread["others"] = "this kernel has no schedstat (CONFIG_SCHED_INFO)";
  return reading_;
}

}  // namespace reactorlab::bench
