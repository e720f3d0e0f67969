#pragma once

#include "harness/load/asking_connection.hpp"
#include "harness/load/loop.hpp"

#include <span>
#include <vector>

namespace reactorlab::load {

/// What loads have in common whose requests ask for work: connections that live as long as the run, a warm-up, a window, and
/// nothing in flight at either end of them.
class AskingLoad : public Loop {
 protected:
  /// Throws std::invalid_argument for messages that are too small, or too large to arrive in one piece.
  explicit AskingLoad(const LoadOptions& options);

  void steps() final;

  /// Begins, goes on for so long, and lets everything come back. False after stop().
  [[nodiscard]] virtual bool ask_for(std::chrono::nanoseconds length) = 0;

  /// The request of this connection was answered. False after an error.
  [[nodiscard]] virtual bool on_answer(std::size_t number, std::uint64_t now) = 0;

  /// Counts an operation that was due since then.
  void record(std::uint64_t due_ns, std::uint64_t now);

  bool on_events(std::span<const epoll_event> events) override;

  std::vector<AskingConnection> connections_;
};

/// A sequence of numbers that looks random and follows from its seed.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed) {}
  /// Below 1, in steps of 2^-53.
  double next() noexcept;

 private:
  std::uint64_t state_;
};

}  // namespace reactorlab::load
