#pragma once

#include "harness/measure/histogram.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace reactorlab::load {

/// What the three stamps of an open loop's messages add up to. Counts and histograms are of the messages that were meant to leave
/// within the window, whenever they did and whenever they were answered.
struct OpenTally {
  std::uint64_t offered = 0;     ///< messages meant to leave within the window
  std::uint64_t unanswered = 0;  ///< of those, when the run ended
  std::uint64_t late_sends = 0;  ///< of those: sent more than OpenLoop::kLateNs after their time
  std::uint64_t achieved = 0;    ///< answers that came within the window, whenever they were asked for
  double mean_in_flight = 0;     ///< over the window: messages whose time had come and whose answer hadn't
  double busy_ns = 0;            ///< of the window, spent in passes that had something to do

  measure::Histogram response;  ///< done - intended: what a user waits who arrived on time
  measure::Histogram service;   ///< done - sent: what a closed loop would have recorded
  measure::Histogram send_lag;  ///< sent - intended: how far the generator is behind
};

/// The books of an open loop, without sockets and clock: which message is due on which connection, and what its three stamps say.
/// Message i goes to connection i modulo their number, and each connection is answered in order. All times are in ns since the
/// start of the schedule and never go back. Not thread-safe.
class OpenLoop {
 public:
  static constexpr std::uint64_t kLateNs = 100'000;

  struct Window {
    std::uint64_t from_ns;
    std::uint64_t to_ns;
  };

  /// `schedule` ascends. REQUIRES: conns > 0, from_ns < to_ns.
  OpenLoop(std::vector<std::uint64_t> schedule, std::size_t conns, Window window);

  /// A pass of the generator begins. Everything meant to leave until now is due, sent or not.
  void observe(std::uint64_t now_ns);

  /// The connection on which the oldest message is to be sent that is due and wasn't taken.
  [[nodiscard]] std::optional<std::size_t> take_due();

  /// The connection's oldest message that wasn't yet: its last byte is handed over now. REQUIRES: it was taken.
  void on_sent(std::size_t conn, std::uint64_t now_ns);

  /// The connection's oldest unanswered message is answered now. REQUIRES: it was sent.
  void on_done(std::size_t conn, std::uint64_t now_ns);

  /// This pass has something to do besides taking a message.
  void on_work() noexcept { busy_ = true; }

  /// Every message of the schedule is answered.
  [[nodiscard]] bool finished() const noexcept { return done_ == schedule_.size(); }

  /// When the next message becomes due; nothing after the last one.
  [[nodiscard]] std::optional<std::uint64_t> next_due_ns() const;

  /// What was observed until now. The state is used up. Call it when nothing more is waited for.
  [[nodiscard]] OpenTally finish(std::uint64_t now_ns);

 private:
  struct Progress {
    std::size_t sent = 0;
    std::size_t done = 0;
  };

  [[nodiscard]] std::size_t message_of(std::size_t conn, std::size_t number) const { return conn + number * progress_.size(); }
  [[nodiscard]] bool in_window(std::uint64_t at_ns) const { return at_ns >= window_.from_ns && at_ns < window_.to_ns; }
  [[nodiscard]] double overlap(std::uint64_t from_ns, std::uint64_t to_ns) const;
  void advance(std::uint64_t now_ns);

  const std::vector<std::uint64_t> schedule_;
  const Window window_;
  std::vector<std::uint64_t> sent_at_;  // by message
  std::vector<Progress> progress_;      // by connection
  std::size_t due_ = 0;                 // messages, from the first one on
  std::size_t taken_ = 0;
  std::size_t done_ = 0;
  std::uint64_t last_ns_ = 0;
  std::uint64_t pass_began_ns_ = 0;
  bool busy_ = false;  // in this pass
  double area_ = 0;    // messages in flight, integrated over the window until last_ns_
  OpenTally tally_;
};

}  // namespace reactorlab::load
