#include "harness/bench/sample_runner.hpp"

#include "harness/bench/in_process_sample.hpp"
#include "harness/bench/server_process.hpp"
#include "harness/load/endpoint.hpp"
#include "harness/load/load.hpp"
#include "harness/measure/machine_noise.hpp"
#include "harness/measure/process_cpu.hpp"
#include "harness/measure/process_memory.hpp"
#include "harness/measure/process_setup.hpp"

#include <cmath>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kStopLimit = 5s;
/// After this long without messages the server sleeps in the kernel or has passed a scheduler tick (at most 10 ms
/// apart), and its account is exact.
constexpr auto kSettle = 5ms;

/// What the kernel knows of the server at both ends of the window.
struct Reading {
  std::optional<measure::ProcessCpu> cpu;
  std::optional<std::uint64_t> user_bytes;
};
struct Account {
  Reading before, after;
};

Reading settled_reading(pid_t pid, Metric metric) {
  std::this_thread::sleep_for(kSettle);
  return {.cpu = measure::read_process_cpu(pid),
          .user_bytes = metric == Metric::UserBytes ? measure::read_user_memory(pid) : std::nullopt};
}

std::uint64_t param_of(const Cell& cell, const char* name, std::uint64_t usual) {
  const auto found = cell.params.find(name);
  return found == cell.params.end() ? usual : found->second;
}

std::uint64_t message_bytes(const Cell& cell) {
  constexpr std::uint64_t kUsualPayload = 64;
  return param_of(cell, "payload", kUsualPayload);
}

load::LoadOptions load_options(const SamplePlace& place, const SampleSettings& settings, std::uint16_t port) {
  constexpr std::uint64_t kUsualPipeline = 1;
  load::LoadOptions options;
  options.payload = message_bytes(place.cell);
  options.endpoint = load::loopback_endpoint(port);
  options.conns = place.cell.params.at("conns");
  options.pipeline = param_of(place.cell, "pipeline", kUsualPipeline);
  options.warmup = settings.warmup;
  options.duration = settings.duration;
  options.seed = place.seed;
  options.cpu = settings.load_cpu;
  options.cancel = settings.cancel;
  return options;
}

load::LoadResult run_workload(const std::string& workload, const load::LoadOptions& options) {
  if (workload == "accept_churn") return load::run_churn(options);
  if (workload == "idle_memory") return load::run_idle(options);
  return load::run_load(options);
}

void take_load(Sample& sample, const load::LoadResult& result, bool has_latency) {
  sample.verified = result.verified();
  sample.ops = result.ops;
  sample.wall_ns = result.wall_ns;
  sample.load_cpu_ns = result.cpu_ns;
  if (result.mean_in_flight > 0) sample.load.mean_in_flight = result.mean_in_flight;
  if (has_latency) {
    sample.load.mean_ns = result.latency.mean();
    sample.p50_ns = result.latency.supported_percentile(0.50);
    sample.p90_ns = result.latency.supported_percentile(0.90);
    sample.p99_ns = result.latency.supported_percentile(0.99);
    sample.p999_ns = result.latency.supported_percentile(0.999);
    sample.max_ns = result.latency.max();
  }
  if (result.verified()) return;
  sample.errors = 1;
  sample.void_reason = result.error.empty() ? "no operation completed" : result.error;
}

void take_cpu(Sample& sample, const Account& account) {
  const auto &before = account.before.cpu, &after = account.after.cpu;
  if (!before || !after) throw std::runtime_error("the server's CPU time couldn't be read");
  sample.server_cpu_ns = after->run_ns - before->run_ns;
  sample.server_run_delay_ns = after->run_delay_ns - before->run_delay_ns;
}

void take_user_bytes(Sample& sample, const Account& account) {
  const auto &before = account.before.user_bytes, &after = account.after.user_bytes;
  if (!before || !after) throw std::runtime_error("the server's memory couldn't be read (/proc/PID/smaps_rollup)");
  sample.counts["user_bytes"] = (static_cast<double>(*after) - static_cast<double>(*before)) / static_cast<double>(sample.ops);
}

/// The server's own counters and the kernel's, per operation of its whole life. What it doesn't count is unknown, not
/// 0.
void take_counts(Sample& sample, const ServerEnd& end, std::uint64_t messages) {
  sample.counts = {{"syscalls", std::nullopt}, {"allocations", std::nullopt}};
  if (messages == 0) return;
  const auto per_message = [&](double count) { return count / static_cast<double>(messages); };
  sample.counts["voluntary_switches"] = per_message(static_cast<double>(end.usage.ru_nvcsw));
  sample.counts["involuntary_switches"] = per_message(static_cast<double>(end.usage.ru_nivcsw));
  if (!end.report.is_object() || !end.report.contains("counters")) return;
  for (const auto& [name, value] : end.report["counters"].items())
    if (value.is_number()) sample.counts[name] = per_message(value.get<double>());
}

void require_pinned(const ServerProcess& server, std::optional<int> cpu) {
  if (cpu && measure::allowed_cpus_of(server.pid()) != std::vector{*cpu})
    throw std::runtime_error(fmt::format("the server isn't pinned to CPU {}", *cpu));
}

/// What a child does stands in no account of the server's.
void require_one_process(const ServerProcess& server) {
  if (const auto children = measure::read_children(server.pid()); children && !children->empty())
    throw std::runtime_error(fmt::format(
        "the server has {} child process{}, and what they do isn't measured: it has to serve with threads, and a script "
        "that starts it has to `exec` it",
        children->size(), children->size() == 1 ? "" : "es"));
}

/// A server knows bytes, not messages.
std::uint64_t spin_per_mib(const SamplePlace& place) {
  if (!place.spin) return 0;
  constexpr double kMib = 1U << 20U;
  return static_cast<std::uint64_t>(std::llround(place.spin->iterations * kMib / static_cast<double>(message_bytes(place.cell))));
}

void measure_server(Sample& sample, const Entry& entry, const SamplePlace& place, const SampleSettings& settings) {
  ServerProcess server({.entry = entry,
                        .cpu = settings.server_cpu,
                        .spin_per_mib = spin_per_mib(place),
                        .environment_padding = place.seed % 4096,
                        .executable = settings.executable});
  load::LoadOptions options = load_options(place, settings, server.wait_ready(settings.ready_limit));
  require_pinned(server, settings.server_cpu);
  Account account;
  const Workload& workload = workload_of(place.cell.workload);
  options.on_window_open = [&] { account.before = settled_reading(server.pid(), workload.metric); };
  options.on_window_close = [&] { account.after = settled_reading(server.pid(), workload.metric); };
  const load::LoadResult result = run_workload(place.cell.workload, options);
  take_load(sample, result, workload.has_latency);
  if (sample.sound()) {
    require_one_process(server);
    take_cpu(sample, account);
  }
  take_counts(sample, server.stop(kStopLimit), result.messages_total);
  if (sample.sound() && workload.metric == Metric::UserBytes) take_user_bytes(sample, account);
}

/// A fresh server, loaded from this process.
Sample run_served_sample(const Entry& entry, const SamplePlace& place, const SampleSettings& settings) {
  Sample sample = unmeasured_sample(entry, place, settings);
  const auto trouble_before = measure::read_tcp_trouble();
  const auto steal_before = measure::read_steal_ns();
  try {
    measure_server(sample, entry, place, settings);
  } catch (const std::exception& error) {
    sample.errors = std::max<std::uint64_t>(sample.errors, 1);
    sample.verified = false;
    sample.void_reason += sample.void_reason.empty() ? error.what() : fmt::format("; {}", error.what());
    return sample;
  }
  const auto steal_after = measure::read_steal_ns();
  if (steal_before && steal_after) sample.steal_ns = *steal_after - *steal_before;
  if (const auto trouble = measure::read_tcp_trouble(); trouble_before && trouble)
    sample.load.tcp_trouble = measure::since(*trouble_before, *trouble);
  if (sample.sound()) sample.stalled = looks_stalled(sample);
  return sample;
}

}  // namespace

Sample unmeasured_sample(const Entry& entry, const SamplePlace& place, const SampleSettings& settings) {
  Sample sample;
  sample.impl = entry.label;
  sample.backend = entry.backend;
  sample.locking = entry.locking;
  sample.workers = entry.workers;
  sample.cell = place.cell;
  sample.round = place.round;
  sample.position = place.position;
  sample.spin = place.spin;
  sample.provenance = settings.provenance;
  return sample;
}

bool looks_stalled(const Sample& sample) {
  if (workload_of(sample.cell.workload).metric == Metric::UserBytes) return false;
  const auto share = [&](std::uint64_t ns) { return static_cast<double>(ns) / static_cast<double>(sample.wall_ns); };
  // With 8 operations in flight both ends are busy nearly always; with one they take turns, and waking costs time on
  // neither.
  const auto& params = sample.cell.params;
  const auto pipeline = params.find("pipeline");
  const bool busy = params.at("conns") * (pipeline == params.end() ? 1 : pipeline->second) >= 8;
  const double expected = busy ? 1.2 : 0.5;
  return share(sample.server_cpu_ns + sample.load_cpu_ns) < expected || share(sample.server_run_delay_ns) > 0.10 ||
         share(sample.steal_ns.value_or(0)) > 0.10;
}

Sample run_sample(const Entry& entry, const SamplePlace& place, const SampleSettings& settings) {
  return workload_of(place.cell.workload).in_process ? run_in_process_sample(entry, place, settings)
                                                     : run_served_sample(entry, place, settings);
}

}  // namespace reactorlab::bench
