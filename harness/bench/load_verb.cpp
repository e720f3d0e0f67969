#include "harness/bench/interrupt.hpp"
#include "harness/bench/open_load_verb.hpp"
#include "harness/bench/open_report.hpp"
#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"
#include "harness/load/endpoint.hpp"
#include "harness/load/load.hpp"
#include "harness/measure/hgrm.hpp"

#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace reactorlab::bench {
namespace {

std::chrono::nanoseconds nanoseconds(double seconds) { return std::chrono::nanoseconds(static_cast<long long>(seconds * 1e9)); }

nlohmann::json to_json(const LoadVerbOptions& options, const load::LoadResult& result) {
  nlohmann::json json = {{"schema", 1},
                         {"mode", options.mode},
                         {"loop", "closed"},
                         {"params", {{"conns", options.conns}, {"payload", options.payload}, {"pipeline", options.pipeline}}},
                         {"seed", options.seed},
                         {"verified", result.verified()},
                         {"ops", result.ops},
                         {"wall_ns", result.wall_ns},
                         {"load_cpu_ns", result.cpu_ns},
                         {"bytes_verified", result.bytes_verified}};
  json.update(percentiles_json(result.latency));
  if (!result.error.empty()) json["error"] = result.error;
  return json;
}

void print_text(const LoadVerbOptions& options, const load::LoadResult& result) {
  const double seconds = static_cast<double>(result.wall_ns) * 1e-9;
  fmt::print("{} {} in {:.3f} s: {:.0f}/s, closed loop, {} bytes checked\n", result.ops,
             options.mode == "echo" ? "messages" : "connections", seconds, static_cast<double>(result.ops) / seconds,
             result.bytes_verified);
  fmt::print("{}", percentiles_line("latency", result.latency));
  fmt::print("generator: {:.0f} % of a CPU\n", static_cast<double>(result.cpu_ns) * 100 / static_cast<double>(result.wall_ns));
}

constexpr std::string_view kSelf = "self";

void refuse_what_does_not_fit(const LoadVerbOptions& options) {
  if (options.connect == kSelf && options.mode != "echo")
    throw UsageError(fmt::format("--connect=self has no server to accept connections, as --mode={} needs", options.mode));
  const bool open = options.rate || !options.ladder.empty();
  if (open && options.mode != "echo")
    throw UsageError(
        fmt::format("--rate and --ladder send messages: --mode={} is a closed loop and has no schedule", options.mode));
  if (options.poisson && !open) throw UsageError("--poisson says how messages of a rate arrive: give --rate=R or --ladder too");
}

load::LoadResult run_mode(const std::string& mode, const load::LoadOptions& options) {
  if (mode == "churn") return load::run_churn(options);
  if (mode == "idle") return load::run_idle(options);
  return load::run_load(options);
}

}  // namespace

int load_verb(const LoadVerbOptions& options) {
  refuse_what_does_not_fit(options);
  load::LoadOptions load;
  load.to_itself = options.connect == kSelf;
  if (!load.to_itself) load.endpoint = load::parse_loopback_endpoint(options.connect);
  load.conns = options.conns;
  load.payload = options.payload;
  load.pipeline = options.pipeline;
  load.warmup = nanoseconds(options.warmup_s);
  load.duration = nanoseconds(options.duration_s);
  load.seed = options.seed;
  load.cpu = options.cpu;
  const InterruptFlag interrupt;
  load.cancel = &InterruptFlag::raised();

  if (options.rate) return open_load_verb(options, load);
  if (!options.ladder.empty()) return ladder_verb(options, load);

  const auto files = options.hgrm.empty() ? std::nullopt : std::optional(measure::HgrmFiles(options.hgrm));
  const load::LoadResult result = run_mode(options.mode, load);
  if (options.json)
    fmt::print("{}\n", to_json(options, result).dump());
  else if (result.verified())
    print_text(options, result);
  if (result.cancelled) {
    fmt::print(stderr, "bench: interrupted\n");
    return kExitInterrupted;
  }
  if (result.verified()) {
    if (files) files->write("latency", result.latency);
    return kExitOk;
  }
  fmt::print(stderr, "bench: the load failed: {}\n", result.error.empty() ? "no message came back in time" : result.error);
  return kExitFailure;
}

}  // namespace reactorlab::bench
