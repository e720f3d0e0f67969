#include "harness/load/open_load.hpp"

#include <fmt/format.h>

namespace reactorlab::load {
namespace {

OpenLoadOptions users_of(const LoadOptions& options, Arrivals arrivals) {
  OpenLoadOptions open;
  static_cast<LoadOptions&>(open) = options;
  open.rate = options.rate;
  open.arrivals = arrivals;
  open.warmup = {};
  open.window_is_all = true;
  return open;
}

/// Its answers were looked at, too, but nothing else of it.
OpenLoadResult warm_up(const LoadOptions& options, Arrivals arrivals) {
  OpenLoadOptions open = users_of(options, arrivals);
  open.duration = options.warmup;
  open.on_window_open = open.on_window_close = nullptr;
  return run_open_load(open);
}

LoadResult result_of(OpenLoadResult run) {
  LoadResult result;
  result.ops = run.tally.response.count();
  result.offered = run.tally.offered;
  result.messages_total = run.messages_total;
  result.bytes_verified = run.bytes_verified;
  result.wall_ns = run.window_ns;
  result.cpu_ns = static_cast<std::uint64_t>(run.tally.busy_ns);
  result.send_lag_p99_ns = run.tally.send_lag.supported_percentile(0.99);
  result.latency = std::move(run.tally.response);
  result.mean_in_flight = run.tally.mean_in_flight;
  result.cancelled = run.cancelled;
  if (run.complete() && run.tally.unanswered != 0)
    result.error = fmt::format("{} of {} messages weren't answered", run.tally.unanswered, run.tally.offered);
  else
    result.error = std::move(run.error);
  return result;
}

LoadResult run_echo(const LoadOptions& options, Arrivals arrivals) {
  OpenLoadResult warm;
  if (options.warmup > std::chrono::nanoseconds(0)) {
    warm = warm_up(options, arrivals);
    if (!warm.complete()) return result_of(std::move(warm));
  }
  LoadResult result = result_of(run_open_load(users_of(options, arrivals)));
  result.messages_total += warm.messages_total;
  result.bytes_verified += warm.bytes_verified;
  return result;
}

}  // namespace

LoadResult run_open_echo(const LoadOptions& options) { return run_echo(options, Arrivals::Poisson); }
LoadResult run_paced_echo(const LoadOptions& options) { return run_echo(options, Arrivals::Constant); }

}  // namespace reactorlab::load
