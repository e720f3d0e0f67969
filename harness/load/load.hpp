#pragma once

#include "harness/measure/histogram.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <netinet/in.h>

namespace reactorlab::load {

struct LoadOptions {
  sockaddr_in endpoint{};
  std::size_t conns = 64;    ///< open at once
  std::size_t payload = 64;  ///< bytes of a message
  std::size_t pipeline = 1;  ///< messages in flight on a connection; only echo has more than one
  std::chrono::nanoseconds warmup = std::chrono::milliseconds(200);
  std::chrono::nanoseconds duration = std::chrono::milliseconds(500);
  /// A server that lets this pass without a byte (or a connection) is given up.
  std::chrono::nanoseconds patience = std::chrono::seconds(5);
  std::uint64_t seed = 1;
  std::optional<int> cpu;                     ///< pin the calling thread here meanwhile
  const std::atomic<bool>* cancel = nullptr;  ///< ends the run soon after it becomes true

  /// Called on the generator's thread before and after the measured window, with no message in flight, so that others
  /// can read their counters.
  std::function<void()> on_window_open;
  std::function<void()> on_window_close;
};

struct LoadResult {
  std::uint64_t ops = 0;             ///< of the window: messages, each on a connection of its own for churn and idle
  std::uint64_t messages_total = 0;  ///< warm-up and drain included
  std::uint64_t bytes_verified = 0;  ///< warm-up and drain included
  std::uint64_t wall_ns = 0;         ///< length of the window
  std::uint64_t cpu_ns = 0;          ///< of the generator's thread within the window
  measure::Histogram latency;        ///< per operation within the window
  double mean_in_flight = 0;         ///< messages within the window, looked at once a turn; of closed loops
  bool cancelled = false;
  std::string error;  ///< empty: every byte that was sent came back, in order and unchanged

  [[nodiscard]] bool verified() const { return error.empty() && !cancelled && ops > 0; }
};

// Closed loops, all three. They run on the calling thread and return within patience + warm-up + duration + patience,
// whatever the server does. What the server does wrong is in `error`; std::system_error and std::runtime_error are for
// what this machine refuses.

/// Every connection keeps `pipeline` messages in flight and sends the next one when one came back. Operation: a
/// message.
[[nodiscard]] LoadResult run_load(const LoadOptions& options);

/// `conns` connectors at once, each: connect, one message, reset, again. Operation: a connection; its latency is from
/// connect() to the last byte of the answer. Resets leave nothing in TIME_WAIT.
[[nodiscard]] LoadResult run_churn(const LoadOptions& options);

/// Opens `conns` connections, each with one message, and keeps them open while `on_window_close` is called; the window
/// opens before the first of them. Operation: a connection. Has neither warm-up nor duration; patience is for each 32.
[[nodiscard]] LoadResult run_idle(const LoadOptions& options);

}  // namespace reactorlab::load
