#pragma once

#include "harness/load/connection.hpp"
#include "harness/load/load.hpp"
#include "harness/load/socket.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <sys/epoll.h>

namespace reactorlab::load {

/// What every kind of load is made of: one thread that waits for its sockets, a table of bytes to compare with, and the
/// reasons to give up. A kind of load says what happens, step by step, and what an event means. A step returns false
/// when the run is over before its time; the reason is in the result by then.
///
/// Steps that are measured begin and end with nothing in flight. So an operation of the window is wholly within it, and
/// both ends of the window find a server that sleeps: the kernel's account of its CPU time is exact then, while that of
/// a running thread lags by up to a tick.
class Loop {
 public:
  explicit Loop(const LoadOptions& options);
  virtual ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  LoadResult run();

 protected:
  /// The whole load, in steps.
  virtual void steps() = 0;

  /// What one wait reported. False after stop().
  virtual bool on_events(std::span<const epoll_event> events) = 0;

  /// Waits and handles events until `reached(now_ns)`.
  template <class Condition>
  bool run_until(Condition&& reached) {
    for (last_progress_ = now_ns();;) {
      const std::uint64_t now = now_ns();
      if (reached(now)) return true;
      if (given_up(now) || !turn(kTimeoutMs)) return false;
    }
  }

  /// One wait of at most so long and everything that it reported. False after stop().
  bool turn(int timeout_ms);

  void open_window();
  void close_window();

  /// Opens `conns` connections that live as long as the run, in one list of whatever kind, each watched for both directions under
  /// its number. False after stop().
  template <class Connections>
  bool connect_all(Connections& connections) {
    connections.reserve(options_.conns);
    while (connections.size() < options_.conns) {
      if (cancelled()) return false;
      const auto fd = connect(connections.size(), Ending::Orderly);
      if (!fd) return false;
      connections.emplace_back(*fd, connections.size(), stream_);
      watch(*fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, connections.size() - 1);
    }
    return true;
  }

  /// Fills every connection's pipeline, keeps it full for this long, then lets everything come back.
  template <class Connections>
  bool exchange_for(Connections&& connections, std::chrono::nanoseconds length) {
    draining_ = false;
    for (auto& connection : connections)
      if (!connection.start(stream_, now_ns())) return false;
    const std::uint64_t end = now_ns() + static_cast<std::uint64_t>(length.count());
    if (!run_until([&](std::uint64_t now) { return now >= end; })) return false;
    draining_ = true;
    return run_until([&](std::uint64_t) { return all_idle(connections); });
  }

  template <class Connections>
  [[nodiscard]] static bool all_idle(const Connections& connections) {
    return std::all_of(connections.begin(), connections.end(), [](const auto& connection) { return connection.idle(); });
  }

  /// A connected socket that is on its way, or nothing after stop().
  [[nodiscard]] std::optional<int> connect(std::size_t number, Ending ending);
  /// Events of the socket come with this tag, edge-triggered.
  void watch(int fd, std::uint32_t interest, std::uint64_t tag);
  /// Ends the run with an error. Returns false.
  bool stop(std::string error);
  /// Whether to end because the user wants it.
  bool cancelled();

  const LoadOptions& options_;
  const Pattern pattern_;
  Stream stream_;
  bool draining_ = false;  ///< what comes back isn't followed by a new operation

 private:
  static constexpr int kBatch = 256;
  /// Long enough not to spin, short enough that a silent server doesn't delay the end of a step.
  static constexpr int kTimeoutMs = 10;

  bool given_up(std::uint64_t now);

  LoadResult result_;
  int epoll_fd_;
  std::array<epoll_event, kBatch> events_;
  std::uint64_t last_progress_ = 0;
  std::uint64_t window_opened_ = 0;
  std::uint64_t cpu_at_open_ = 0;
};

/// The thread is pinned and the descriptors are there while it lives.
LoadResult run_on_its_cpu(const LoadOptions& options, Loop& loop);

[[nodiscard]] inline std::uint64_t nanoseconds(std::chrono::nanoseconds duration) {
  return static_cast<std::uint64_t>(duration.count());
}

}  // namespace reactorlab::load
