#pragma once

#include "harness/load/arrivals.hpp"
#include "harness/load/load.hpp"
#include "harness/load/open_loop.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace reactorlab::load {

/// `pipeline` says nothing here. Answers that are missing when the last message has left are waited for `patience` long.
struct OpenLoadOptions : LoadOptions {
  double rate = 1000;  ///< messages per second, of all connections together
  Arrivals arrivals = Arrivals::Constant;
  /// The window's callbacks are called before the schedule begins and when the last answer has come or isn't waited for any more:
  /// for a server's account, which has no share of a schedule. There is no warm-up then. Otherwise they are called with messages in
  /// flight, and what they do delays sending.
  bool window_is_all = false;
};

struct OpenLoadResult {
  OpenTally tally;
  std::uint64_t window_ns = 0;       ///< length of the window by the schedule
  std::uint64_t wall_ns = 0;         ///< the same by the clock
  std::uint64_t cpu_ns = 0;          ///< of the generator's thread within the window; all of it, if nobody took its CPU away
  std::uint64_t messages_total = 0;  ///< answered; greeting, warm-up and drain included
  std::uint64_t bytes_verified = 0;  ///< the same
  std::optional<int> cpu;            ///< where the generator was pinned
  std::string not_pinned;            ///< why it wasn't
  bool cancelled = false;
  std::string error;  ///< empty: every byte that came back was right; messages may be unanswered

  [[nodiscard]] bool complete() const { return error.empty() && !cancelled; }
  [[nodiscard]] double offered_rate() const { return per_second(tally.offered); }    ///< messages/s
  [[nodiscard]] double achieved_rate() const { return per_second(tally.achieved); }  ///< messages/s

 private:
  [[nodiscard]] double per_second(std::uint64_t count) const {
    return static_cast<double>(count) * 1e9 / static_cast<double>(window_ns);
  }
};

/// An open loop: messages leave at the times of a schedule that is made in advance (`seed`, and the rate), whether or not earlier
/// ones were answered, and latency counts from those times. A connection's messages queue up in its socket. One thread, the calling
/// one, polls without ever sleeping; without `cpu` it pins itself to the second CPU that it may use, as far as there is one.
///
/// Every connection exchanges a message before the schedule begins, so accepting is no part of it. Returns within patience +
/// warm-up + duration + patience. What the server does wrong is in `error`; throws std::invalid_argument for a schedule that can't
/// be, and std::system_error and std::runtime_error for what this machine refuses.
[[nodiscard]] OpenLoadResult run_open_load(const OpenLoadOptions& options);

}  // namespace reactorlab::load
