#include "harness/bench/sample_runner.hpp"

#include "harness/bench/server_process.hpp"
#include "harness/load/endpoint.hpp"
#include "harness/load/load.hpp"
#include "harness/measure/process_cpu.hpp"
#include "harness/measure/process_setup.hpp"

#include <stdexcept>
#include <thread>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kReadyLimit = 10s;
constexpr auto kStopLimit = 5s;
/// After this long without messages the server sleeps in the kernel or has passed a scheduler tick (at most 10 ms
/// apart), and its account is exact.
constexpr auto kSettle = 5ms;

/// The server's CPU account at both ends of the window.
struct Account {
  std::optional<measure::ProcessCpu> before, after;
};

std::optional<measure::ProcessCpu> settled_cpu(pid_t pid) {
  std::this_thread::sleep_for(kSettle);
  return measure::read_process_cpu(pid);
}

load::LoadOptions load_options(const SamplePlace& place, const SampleSettings& settings, std::uint16_t port) {
  load::LoadOptions options;
  options.endpoint = load::loopback_endpoint(port);
  options.conns = place.cell.params.at("conns");
  options.payload = place.cell.params.at("payload");
  options.pipeline = place.cell.params.at("pipeline");
  options.warmup = settings.warmup;
  options.duration = settings.duration;
  options.seed = place.seed;
  options.cpu = settings.load_cpu;
  options.cancel = settings.cancel;
  return options;
}

void take_load(Sample& sample, const load::LoadResult& result) {
  sample.verified = result.verified();
  sample.ops = result.ops;
  sample.wall_ns = result.wall_ns;
  sample.load_cpu_ns = result.cpu_ns;
  sample.p50_ns = result.latency.supported_percentile(0.50);
  sample.p90_ns = result.latency.supported_percentile(0.90);
  sample.p99_ns = result.latency.supported_percentile(0.99);
  sample.p999_ns = result.latency.supported_percentile(0.999);
  sample.max_ns = result.latency.max();
  if (result.verified()) return;
  sample.errors = 1;
  sample.void_reason = result.error.empty() ? "no operation completed" : result.error;
}

void take_account(Sample& sample, const Account& account) {
  if (!account.before || !account.after) throw std::runtime_error("the server's CPU time couldn't be read");
  sample.server_cpu_ns = account.after->run_ns - account.before->run_ns;
  sample.server_run_delay_ns = account.after->run_delay_ns - account.before->run_delay_ns;
}

/// The server's own counters and the kernel's, per message of its whole life. What it doesn't count is unknown, not 0.
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

void measure_server(Sample& sample, const Entry& entry, const SamplePlace& place, const SampleSettings& settings) {
  ServerProcess server({.entry = entry,
                        .cpu = settings.server_cpu,
                        .environment_padding = place.seed % 4096,
                        .executable = settings.executable});
  load::LoadOptions options = load_options(place, settings, server.wait_ready(kReadyLimit));
  require_pinned(server, settings.server_cpu);
  Account account;
  options.on_window_open = [&] { account.before = settled_cpu(server.pid()); };
  options.on_window_close = [&] { account.after = settled_cpu(server.pid()); };
  const load::LoadResult result = load::run_load(options);
  take_load(sample, result);
  if (sample.sound()) take_account(sample, account);
  take_counts(sample, server.stop(kStopLimit), result.messages_total);
}

}  // namespace

bool looks_stalled(const Sample& sample) {
  const auto share = [&](std::uint64_t ns) { return static_cast<double>(ns) / static_cast<double>(sample.wall_ns); };
  // With 8 messages in flight both ends are busy nearly always; with one they take turns, and waking costs time on
  // neither.
  const auto& params = sample.cell.params;
  const bool busy = params.at("conns") * params.at("pipeline") >= 8;
  const double expected = busy ? 1.2 : 0.5;
  return share(sample.server_cpu_ns + sample.load_cpu_ns) < expected || share(sample.server_run_delay_ns) > 0.10 ||
         share(sample.steal_ns.value_or(0)) > 0.10;
}

Sample run_sample(const Entry& entry, const SamplePlace& place, const SampleSettings& settings) {
  Sample sample;
  sample.impl = entry.label;
  sample.backend = entry.backend;
  sample.locking = entry.locking;
  sample.workers = entry.workers;
  sample.cell = place.cell;
  sample.round = place.round;
  sample.position = place.position;
  sample.provenance = settings.provenance;
  const auto steal_before = measure::read_steal_ns();
  try {
    measure_server(sample, entry, place, settings);
  } catch (const std::exception& error) {
    sample.errors = std::max<std::uint64_t>(sample.errors, 1);
    sample.verified = false;
    if (sample.void_reason.empty()) sample.void_reason = error.what();
    return sample;
  }
  const auto steal_after = measure::read_steal_ns();
  if (steal_before && steal_after) sample.steal_ns = *steal_after - *steal_before;
  if (sample.sound()) sample.stalled = looks_stalled(sample);
  return sample;
}

}  // namespace reactorlab::bench
