#include "harness/bench/open_report.hpp"

#include <cmath>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

std::string placement_of(const load::OpenLoadResult& result) {
  if (result.cpu) return fmt::format("pinned to CPU {}", *result.cpu);
  return "NOT pinned: " + result.not_pinned;
}

double percent(double part, std::uint64_t whole) { return whole == 0 ? 0 : 100 * part / static_cast<double>(whole); }

std::string arrivals_of(const LoadVerbOptions& options) {
  return options.poisson ? fmt::format("Poisson, seed {}", options.seed) : "constant rate";
}

std::string failed_gates(const load::OpenLoadResult& result) {
  std::string names;
  for (const load::Gate& gate : load::validity_gates(result))
    if (!gate.passed) names += fmt::format("{}{}", names.empty() ? "" : ",", gate.name);
  return names.empty() ? "all pass" : "FAIL " + names;
}

json gates_json(const std::vector<load::Gate>& gates) {
  json list = json::array();
  for (const load::Gate& gate : gates)
    list.push_back(
        {{"name", gate.name}, {"passed", gate.passed}, {"value", gate.value}, {"limit", gate.limit}, {"text", gate.text}});
  return list;
}

}  // namespace

std::string microseconds(const measure::Histogram& histogram, double fraction) {
  const auto value = histogram.supported_percentile(fraction);
  return value ? fmt::format("{:.1f}", static_cast<double>(*value) / 1000) : "n/a";
}

std::string percentiles_line(std::string_view name, const measure::Histogram& histogram) {
  return fmt::format("{} us: p50 {}  p90 {}  p99 {}  p99.9 {}  max {:.1f}\n", name, microseconds(histogram, 0.50),
                     microseconds(histogram, 0.90), microseconds(histogram, 0.99), microseconds(histogram, 0.999),
                     static_cast<double>(histogram.max()) / 1000);
}

json percentiles_json(const measure::Histogram& histogram) {
  const auto percentile = [&](double fraction) {
    const auto value = histogram.supported_percentile(fraction);
    return value ? json(*value) : json(nullptr);
  };
  return {{"p50_ns", percentile(0.50)},
          {"p90_ns", percentile(0.90)},
          {"p99_ns", percentile(0.99)},
          {"p999_ns", percentile(0.999)},
          {"max_ns", histogram.max()}};
}

std::string open_text(const LoadVerbOptions& options, double rate, const load::OpenLoadResult& result) {
  const load::OpenTally& tally = result.tally;
  std::string text =
      fmt::format("open loop: {:.0f} messages/s asked for ({}), {:.3f} s after {:.3f} s of warm-up, {} conns, {} B\n", rate,
                  arrivals_of(options), options.duration_s, options.warmup_s, options.conns, options.payload);
  text +=
      fmt::format("offered {:.0f}/s, achieved {:.0f}/s; {} of {} messages sent over {} us late, {} unanswered; {} bytes checked\n",
                  result.offered_rate(), result.achieved_rate(), tally.late_sends, tally.offered, load::OpenLoop::kLateNs / 1000,
                  tally.unanswered, result.bytes_verified);
  text += percentiles_line("response (done - intended)", tally.response);
  text += percentiles_line("service (done - sent)", tally.service);
  text += percentiles_line("send lag (sent - intended)", tally.send_lag);
  text += fmt::format("generator: {}, had {:.1f} % of a CPU, busy {:.0f} % of the time\n", placement_of(result),
                      percent(static_cast<double>(result.cpu_ns), result.wall_ns), percent(tally.busy_ns, result.window_ns));
  for (const load::Gate& gate : load::validity_gates(result))
    text += fmt::format("{} {:<11} {}\n", gate.passed ? "pass" : "FAIL", gate.name, gate.text);
  return text;
}

json open_json(const LoadVerbOptions& options, double rate, const load::OpenLoadResult& result) {
  const load::OpenTally& tally = result.tally;
  const auto gates = load::validity_gates(result);
  json report = {{"schema", 1},
                 {"mode", options.mode},
                 {"loop", "open"},
                 {"arrivals", options.poisson ? "poisson" : "constant"},
                 {"params", {{"conns", options.conns}, {"payload", options.payload}, {"rate", rate}}},
                 {"seed", options.seed},
                 {"verified", result.complete() && tally.unanswered == 0},
                 {"valid", result.complete() && load::all_passed(gates)},
                 {"offered", tally.offered},
                 {"achieved", tally.achieved},
                 {"unanswered", tally.unanswered},
                 {"late_sends", tally.late_sends},
                 {"late_after_ns", load::OpenLoop::kLateNs},
                 {"offered_per_s", result.offered_rate()},
                 {"achieved_per_s", result.achieved_rate()},
                 {"mean_in_flight", tally.mean_in_flight},
                 {"wall_ns", result.wall_ns},
                 {"load_cpu_ns", result.cpu_ns},
                 {"load_busy_ns", std::llround(tally.busy_ns)},
                 {"load_cpu", result.cpu ? json(*result.cpu) : json(nullptr)},
                 {"bytes_verified", result.bytes_verified},
                 {"response", percentiles_json(tally.response)},
                 {"service", percentiles_json(tally.service)},
                 {"send_lag", percentiles_json(tally.send_lag)},
                 {"gates", gates_json(gates)}};
  if (!result.not_pinned.empty()) report["not_pinned"] = result.not_pinned;
  if (!result.error.empty()) report["error"] = result.error;
  return report;
}

std::string ladder_heading(const LoadVerbOptions& options) {
  return fmt::format("open loop ({}), {:.3f} s a step after {:.3f} s of warm-up, {} conns, {} B\n{:>12} {:>12} {:>10} {:>10}  {}\n",
                     arrivals_of(options), options.duration_s, options.warmup_s, options.conns, options.payload, "offered/s",
                     "achieved/s", "p50 us", "p99 us", "gates");
}

std::string ladder_row(const load::OpenLoadResult& result) {
  return fmt::format("{:>12.0f} {:>12.0f} {:>10} {:>10}  {}\n", result.offered_rate(), result.achieved_rate(),
                     microseconds(result.tally.response, 0.50), microseconds(result.tally.response, 0.99), failed_gates(result));
}

std::string knee_text(std::span<const load::Step> steps) {
  const load::Knee knee = load::find_knee(steps);
  if (steps.empty()) return "knee: nothing was measured\n";
  if (knee.sustained == 0)
    return fmt::format("knee: below {:.0f}/s, the lowest rate; start the ladder lower\n", steps.front().offered_rate);
  const double rate = steps[knee.sustained - 1].offered_rate;
  if (!knee.reached) return fmt::format("knee: none up to {:.0f}/s, the highest rate measured\n", rate);
  return fmt::format("knee: {:.0f}/s, the last rate with achieved/offered >= {:.2f} and p99 <= {:.0f} x that of the lowest rate\n",
                     rate, load::kRateRatioMin, load::kKneeFactor);
}

load::Step step_of(const load::OpenLoadResult& result) {
  return {result.offered_rate(), result.achieved_rate(), result.tally.response.percentile(0.50),
          result.tally.response.percentile(0.99)};
}

}  // namespace reactorlab::bench
