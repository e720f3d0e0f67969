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

enum class Transport { Tcp, Unix, Udp };

struct LoadOptions {
  sockaddr_in endpoint{};
  Transport transport = Transport::Tcp;
  std::string path = {};     ///< of a Unix socket, instead of the endpoint
  bool to_itself = false;    ///< each TCP connection is one to itself: no server, and what an echo reaches is the generator's own limit
  std::size_t conns = 64;    ///< open at once
  std::size_t payload = 64;  ///< bytes of a message
  std::size_t pipeline = 1;  ///< messages in flight on a connection; only echo has more than one
  std::size_t idle = 0;      ///< connections beside `conns` that only exist; active has them
  double rate = 0;           ///< operations per second, of loads that pause
  std::uint32_t work = 0;    ///< units (scenarios/work.hpp) that a request asks for, where some do
  unsigned share = 100;      ///< how many of 100 requests ask for work
  double skew = 0;           ///< exponent of Zipf's law: 0 means that connections are alike
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
  std::uint64_t work_asked = 0;      ///< units that all requests together asked for, warm-up and drain included
  std::uint64_t cpu_ns = 0;    ///< of the generator's thread within the window; of an open loop, which polls: spent on messages
  measure::Histogram latency;  ///< per operation within the window
  double mean_in_flight = 0;   ///< messages within the window, looked at once a turn
  std::optional<std::uint64_t> offered = {};          ///< operations that an open loop meant to send in the window
  std::optional<std::uint64_t> send_lag_p99_ns = {};  ///< how late an open loop sent them; nothing of few
  bool cancelled = false;
  std::string error;  ///< empty: every byte that was sent came back, in order and unchanged

  [[nodiscard]] bool verified() const { return error.empty() && !cancelled && ops > 0; }
};

// Closed loops, but for the last one. They run on the calling thread and return within patience + warm-up + duration + patience,
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

/// As run_load on `conns` connections, among `idle` others that had one message each.
[[nodiscard]] LoadResult run_active(const LoadOptions& options);

/// `conns` connections, each with one message; then `rate` times a second the next one has another, so that the server sleeps in
/// between. Operation: such a message.
[[nodiscard]] LoadResult run_heartbeat(const LoadOptions& options);

// For servers of requests that ask for work: a message is a request, at least 8 bytes long, one in flight on a connection.

/// Each connection has its next request when the last one was answered; a `share` of them, by the seed, asks for `work`.
[[nodiscard]] LoadResult run_work(const LoadOptions& options);

/// Every request asks for `work`. `pipeline` of them are under way, each for a connection drawn by Zipf's law with `skew`, where it
/// waits its turn. Latency is from the draw.
[[nodiscard]] LoadResult run_skew(const LoadOptions& options);

/// `rate` requests a second, spread evenly over time and connections, ask for nothing, whether or not earlier ones were answered;
/// latency is from when a request was due. One connection more asks for `work`, gets it, pauses as long as that took, and asks
/// again: it is in none of the figures.
[[nodiscard]] LoadResult run_bad_task(const LoadOptions& options);

// An open loop.

/// `rate` messages a second arrive by themselves, as users do who don't know each other (Poisson), on all connections in turn,
/// whether or not earlier ones were answered; latency is from when one was due. Its generator polls. One run for the warm-up, and
/// one that is the window. Operation: a message that was due in the window; one that isn't answered is an error.
[[nodiscard]] LoadResult run_open_echo(const LoadOptions& options);
/// The same, evenly spaced.
[[nodiscard]] LoadResult run_paced_echo(const LoadOptions& options);

}  // namespace reactorlab::load
