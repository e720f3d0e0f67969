#include "harness/bench/interrupt.hpp"
#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"
#include "harness/load/endpoint.hpp"
#include "harness/load/load.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace reactorlab::bench {
namespace {

std::chrono::nanoseconds nanoseconds(double seconds) { return std::chrono::nanoseconds(static_cast<long long>(seconds * 1e9)); }

nlohmann::json percentile(const load::LoadResult& result, double fraction) {
  const auto value = result.latency.supported_percentile(fraction);
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

nlohmann::json to_json(const LoadVerbOptions& options, const load::LoadResult& result) {
  nlohmann::json json = {{"schema", 1},
                         {"mode", options.mode},
                         {"params", {{"conns", options.conns}, {"payload", options.payload}, {"pipeline", options.pipeline}}},
                         {"seed", options.seed},
                         {"verified", result.verified()},
                         {"ops", result.ops},
                         {"wall_ns", result.wall_ns},
                         {"load_cpu_ns", result.cpu_ns},
                         {"bytes_verified", result.bytes_verified},
                         {"p50_ns", percentile(result, 0.50)},
                         {"p90_ns", percentile(result, 0.90)},
                         {"p99_ns", percentile(result, 0.99)},
                         {"p999_ns", percentile(result, 0.999)},
                         {"max_ns", result.latency.max()}};
  if (!result.error.empty()) json["error"] = result.error;
  return json;
}

std::string microseconds(const load::LoadResult& result, double fraction) {
  const auto value = result.latency.supported_percentile(fraction);
  return value ? fmt::format("{:.1f}", static_cast<double>(*value) / 1000) : "n/a";
}

void print_text(const LoadVerbOptions& options, const load::LoadResult& result) {
  const double seconds = static_cast<double>(result.wall_ns) * 1e-9;
  fmt::print("{} {} in {:.3f} s: {:.0f}/s, closed loop, {} bytes checked\n", result.ops,
             options.mode == "echo" ? "messages" : "connections", seconds, static_cast<double>(result.ops) / seconds,
             result.bytes_verified);
  fmt::print("latency us: p50 {}  p90 {}  p99 {}  p99.9 {}  max {:.1f}\n", microseconds(result, 0.50), microseconds(result, 0.90),
             microseconds(result, 0.99), microseconds(result, 0.999), static_cast<double>(result.latency.max()) / 1000);
  fmt::print("generator: {:.0f} % of a CPU\n", static_cast<double>(result.cpu_ns) * 100 / static_cast<double>(result.wall_ns));
}

load::LoadResult run_mode(const std::string& mode, const load::LoadOptions& options) {
  if (mode == "churn") return load::run_churn(options);
  if (mode == "idle") return load::run_idle(options);
  return load::run_load(options);
}

}  // namespace

int load_verb(const LoadVerbOptions& options) {
  load::LoadOptions load;
  load.endpoint = load::parse_loopback_endpoint(options.connect);
  load.conns = options.conns;
  load.payload = options.payload;
  load.pipeline = options.pipeline;
  load.warmup = nanoseconds(options.warmup_s);
  load.duration = nanoseconds(options.duration_s);
  load.seed = options.seed;
  load.cpu = options.cpu;
  const InterruptFlag interrupt;
  load.cancel = &InterruptFlag::raised();

  const load::LoadResult result = run_mode(options.mode, load);
  if (options.json)
    fmt::print("{}\n", to_json(options, result).dump());
  else if (result.verified())
    print_text(options, result);
  if (result.cancelled) {
    fmt::print(stderr, "bench: interrupted\n");
    return kExitInterrupted;
  }
  if (result.verified()) return kExitOk;
  fmt::print(stderr, "bench: the load failed: {}\n", result.error.empty() ? "no message came back in time" : result.error);
  return kExitFailure;
}

}  // namespace reactorlab::bench
