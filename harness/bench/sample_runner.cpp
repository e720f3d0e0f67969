#include "harness/bench/sample_runner.hpp"

#include "harness/bench/in_process_sample.hpp"
#include "harness/bench/sample_threads.hpp"
#include "harness/bench/served_workloads.hpp"
#include "harness/bench/server_process.hpp"
#include "harness/load/endpoint.hpp"
#include "harness/load/load.hpp"
#include "harness/measure/machine_noise.hpp"
#include "harness/measure/process_cpu.hpp"
#include "harness/measure/process_memory.hpp"
#include "harness/measure/process_setup.hpp"
#include "harness/measure/thread_counts.hpp"

#include <atomic>
#include <cmath>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string_view>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

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
  std::map<pid_t, measure::ThreadCounts> threads;
};
struct Account {
  Reading before, after;
};

Reading settled_reading(pid_t pid, Metric metric) {
  std::this_thread::sleep_for(kSettle);
  return {.cpu = measure::read_process_cpu(pid),
          .user_bytes = metric == Metric::UserBytes ? measure::read_user_memory(pid) : std::nullopt,
          .threads = measure::read_thread_counts(pid)};
}

/// A Unix socket's file, which a server that ends in order removes itself.
class SocketPath {
 public:
  explicit SocketPath(std::string_view proto) {
    if (proto != "unix_echo") return;
    static std::atomic<unsigned> number = 0;
    path_ = (std::filesystem::temp_directory_path() / fmt::format("reactorlab-{}-{}.sock", ::getpid(), ++number)).string();
  }
  ~SocketPath() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  SocketPath(const SocketPath&) = delete;
  SocketPath& operator=(const SocketPath&) = delete;

  [[nodiscard]] const std::string& get() const noexcept { return path_; }  ///< empty where there is none

 private:
  std::string path_;
};

/// One worker has a CPU, and its load another. Several have both, and so has the load.
SampleSettings placed(SampleSettings settings, const Workload& workload) {
  if (workload.topology == Topology::T2Mix) settings.server_cpu = settings.load_cpu = std::nullopt;
  return settings;
}

load::Transport transport_of(std::string_view proto) {
  return proto == "unix_echo" ? load::Transport::Unix : proto == "udp_echo" ? load::Transport::Udp : load::Transport::Tcp;
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
  options.idle = param_of(place.cell, "idle", 0);
  options.rate = static_cast<double>(param_of(place.cell, "rate", 0));
  options.work = static_cast<std::uint32_t>(param_of(place.cell, "work", 0));
  options.share = static_cast<unsigned>(param_of(place.cell, "share", 100));
  options.skew = static_cast<double>(param_of(place.cell, "skew_percent", 0)) / 100;
  options.transport = transport_of(served_workload_of(place.cell.workload).proto);
  options.warmup = settings.warmup;
  options.duration = settings.duration;
  options.seed = place.seed;
  options.cpu = settings.load_cpu;
  options.cancel = settings.cancel;
  return options;
}

void take_load(Sample& sample, const load::LoadResult& result, bool has_latency) {
  sample.verified = result.verified();
  sample.ops = result.ops;
  sample.wall_ns = result.wall_ns;
  sample.load_cpu_ns = result.cpu_ns;
  if (result.mean_in_flight > 0) sample.load.mean_in_flight = result.mean_in_flight;
  sample.load.offered = result.offered;
  sample.load.send_lag_p99_ns = result.send_lag_p99_ns;
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

/// How often its threads got a CPU within the window: wake-ups, mostly. Those that ended meanwhile are missing.
void take_slices(Sample& sample, const Account& account) {
  const std::uint64_t before = account.before.cpu->slices, after = account.after.cpu->slices;
  sample.counts["cpu_slices"] =
      after < before ? std::nullopt : std::optional(static_cast<double>(after - before) / static_cast<double>(sample.ops));
}

void take_user_bytes(Sample& sample, const Account& account) {
  const auto &before = account.before.user_bytes, &after = account.after.user_bytes;
  if (!before || !after) throw std::runtime_error("the server's memory couldn't be read (/proc/PID/smaps_rollup)");
  sample.counts["user_bytes"] = (static_cast<double>(*after) - static_cast<double>(*before)) / static_cast<double>(sample.ops);
}

/// The server's own counters per operation of its whole life. What it doesn't count is unknown, not 0.
void take_counts(Sample& sample, const ServerEnd& end, std::uint64_t messages) {
  sample.counts = {{"syscalls", std::nullopt}, {"allocations", std::nullopt}};
  if (messages == 0) return;
  const auto per_message = [&](double count) { return count / static_cast<double>(messages); };
  if (!end.report.is_object() || !end.report.contains("counters")) return;
  for (const auto& [name, value] : end.report["counters"].items())
    if (value.is_number()) sample.counts[name] = per_message(value.get<double>());
}

/// An echo proves that a request arrived, not that it was carried out.
void require_work_done(const ServerEnd& end, std::uint64_t asked) {
  const std::uint64_t done = end.report.is_object() ? end.report.value("work_units", std::uint64_t{0}) : 0;
  if (done != asked)
    throw std::runtime_error(fmt::format("the server did {} of {} units of work that were asked for", done, asked));
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

void measure_server(Sample& sample, Entry entry, const SamplePlace& place, const SampleSettings& asked) {
  const Workload& workload = workload_of(place.cell.workload);
  const ServedWorkload& load = served_workload_of(place.cell.workload);
  const SampleSettings settings = placed(asked, workload);
  const SocketPath path(load.proto);
  entry.workers = sample.workers;
  ServerProcess server({.entry = entry,
                        .cpu = settings.server_cpu,
                        .proto = std::string(load.proto),
                        .path = path.get(),
                        .spin_per_mib = spin_per_mib(place),
                        .environment_padding = place.seed % 4096,
                        .executable = settings.executable});
  load::LoadOptions options = load_options(place, settings, server.wait_ready(settings.ready_limit));
  options.path = path.get();
  require_pinned(server, settings.server_cpu);
  Account account;
  options.on_window_open = [&] { account.before = settled_reading(server.pid(), workload.metric); };
  options.on_window_close = [&] { account.after = settled_reading(server.pid(), workload.metric); };
  const load::LoadResult result = load.run(options);
  take_load(sample, result, workload.has_latency);
  if (sample.sound()) {
    require_one_process(server);
    take_cpu(sample, account);
  }
  const ServerEnd end = server.stop(kStopLimit);
  take_counts(sample, end, result.messages_total);
  if (sample.sound() && load.proto == "echo_work") require_work_done(end, result.work_asked);
  if (!sample.sound()) return;
  add_thread_counts(sample, measure::between(account.before.threads, account.after.threads));
  take_slices(sample, account);
  if (workload.metric == Metric::UserBytes) take_user_bytes(sample, account);
}

/// A fresh server, loaded from this process.
Sample run_served_sample(const Entry& entry, const SamplePlace& place, const SampleSettings& settings) {
  Sample sample = unmeasured_sample(entry, place, settings);
  sample.workers = workers_in(place.cell, entry.workers);
  if (const auto obstacle = obstacle_to_serving(entry, place.cell)) {
    sample.not_applicable = *obstacle;
    return sample;
  }
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
  const bool delayed = share(sample.server_run_delay_ns) > 0.10 || share(sample.steal_ns.value_or(0)) > 0.10;
  if (!served_workload_of(sample.cell.workload).saturates) return delayed;
  // With 8 operations in flight both ends are busy nearly always; with one they take turns, and waking costs time on
  // neither.
  const auto& params = sample.cell.params;
  const auto pipeline = params.find("pipeline");
  const bool busy = params.at("conns") * (pipeline == params.end() ? 1 : pipeline->second) >= 8;
  const double expected = busy ? 1.2 : 0.5;
  return delayed || share(sample.server_cpu_ns + sample.load_cpu_ns) < expected;
}

Sample run_sample(const Entry& entry, const SamplePlace& place, const SampleSettings& settings) {
  return workload_of(place.cell.workload).in_process ? run_in_process_sample(entry, place, settings)
                                                     : run_served_sample(entry, place, settings);
}

}  // namespace reactorlab::bench
