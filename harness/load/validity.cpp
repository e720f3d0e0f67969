#include "harness/load/validity.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace reactorlab::load {
namespace {

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double microseconds(double ns) { return ns / 1000; }

Gate gate(std::string_view name, bool passed, double value, double limit, std::string text, std::string_view failed_means) {
  if (!passed) text += fmt::format(": {}", failed_means);
  return {name, passed, value, limit, std::move(text)};
}

Gate rate_gate(const OpenTally& tally) {
  const double ratio = share(tally.achieved, tally.offered);
  return gate("rate", ratio >= kRateRatioMin, ratio, kRateRatioMin,
              fmt::format("achieved/offered {:.4f} (at least {:.2f})", ratio, kRateRatioMin),
              "saturated: latencies describe a growing queue");
}

Gate headroom_gate(const OpenLoadResult& result) {
  const double busy = result.tally.busy_ns / static_cast<double>(std::max<std::uint64_t>(result.window_ns, 1));
  return gate("headroom", result.window_ns > 0 && busy <= kBusyShareMax, busy, kBusyShareMax,
              fmt::format("the generator was busy {:.0f} % of the time (at most {:.0f} %)", busy * 100, kBusyShareMax * 100),
              "it is near its own limit, so this may be its figure and not the server's");
}

Gate send_lag_gate(const OpenTally& tally) {
  const auto lag = static_cast<double>(tally.send_lag.percentile(0.99));
  const double limit = std::max(static_cast<double>(kSendLagMaxNs), 0.1 * static_cast<double>(tally.response.percentile(0.5)));
  return gate("send_lag", tally.send_lag.count() > 0 && lag <= limit, lag, limit,
              fmt::format("p99 of sent - intended {:.1f} us (at most {:.1f} us)", microseconds(lag), microseconds(limit)),
              "messages left late, because the generator lost its CPU or a socket was full");
}

Gate littles_law_gate(const OpenLoadResult& result) {
  const double counted = result.tally.mean_in_flight;
  const double expected = result.offered_rate() * 1e-9 * result.tally.response.mean();
  const double larger = std::max(counted, expected);
  const double apart = larger > 0 ? std::abs(counted - expected) / larger : 1;
  return gate("littles_law", apart <= kLittlesLawMax, apart, kLittlesLawMax,
              fmt::format("in flight {:.3f}, rate x mean response {:.3f}: {:.1f} % apart (at most {:.0f} %)", counted, expected,
                          apart * 100, kLittlesLawMax * 100),
              "the queue grew or shrank over the window, or answers are missing: no mean describes it");
}

Gate answers_gate(const OpenLoadResult& result) {
  const std::uint64_t unanswered = result.tally.unanswered;
  std::string text = fmt::format("{} of {} messages unanswered (at most 0)", unanswered, result.tally.offered);
  if (!result.error.empty()) text += ", " + result.error;
  return gate("answers", result.error.empty() && unanswered == 0 && result.tally.offered > 0, static_cast<double>(unanswered), 0,
              std::move(text), "the histograms hold only what was answered");
}

}  // namespace

std::vector<Gate> validity_gates(const OpenLoadResult& result) {
  return {rate_gate(result.tally), headroom_gate(result), send_lag_gate(result.tally), littles_law_gate(result),
          answers_gate(result)};
}

bool all_passed(const std::vector<Gate>& gates) {
  return std::all_of(gates.begin(), gates.end(), [](const Gate& gate) { return gate.passed; });
}

}  // namespace reactorlab::load
