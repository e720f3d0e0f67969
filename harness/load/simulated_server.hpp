#pragma once

#include "harness/load/open_loop.hpp"
#include "harness/measure/histogram.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <utility>
#include <vector>

/// A server and both kinds of loop in simulated time, for tests: what the loops make of the same server is arithmetic here.
namespace reactorlab::load {

/// Answers one message after the other, each in the same time, and does nothing at all while it stalls. All times are in ns.
class SimulatedServer {
 public:
  explicit SimulatedServer(std::uint64_t service, std::uint64_t stall_from = 0, std::uint64_t stall = 0)
      : service_(service), stall_from_(stall_from), stall_(stall) {}

  /// When a message is answered that arrives then. Messages arrive in order.
  std::uint64_t answer_at(std::uint64_t arrival) {
    const std::uint64_t begin = std::max(arrival, free_);
    const std::uint64_t stall_to = stall_from_ + stall_;
    if (begin < stall_from_ && begin + service_ > stall_from_)
      free_ = begin + service_ + stall_;  // interrupted
    else
      free_ = (begin >= stall_from_ && begin < stall_to ? stall_to : begin) + service_;
    return free_;
  }

 private:
  std::uint64_t service_;
  std::uint64_t stall_from_;
  std::uint64_t stall_;
  std::uint64_t free_ = 0;
};

/// An open loop against it, whose generator sends everything so much too late.
inline OpenTally open_loop_on(SimulatedServer server, std::vector<std::uint64_t> schedule, std::size_t conns,
                              OpenLoop::Window window, std::uint64_t lag = 0) {
  OpenLoop loop(std::move(schedule), conns, window);
  std::queue<std::pair<std::size_t, std::uint64_t>> answers;  // connection, time
  std::uint64_t now = 0;
  while (!loop.finished()) {
    const auto due = loop.next_due_ns();
    const bool answer_first = !answers.empty() && (!due || answers.front().second <= *due + lag);
    now = answer_first ? answers.front().second : *due + lag;
    loop.observe(now);
    if (answer_first) {
      loop.on_done(answers.front().first, now);
      answers.pop();
    }
    while (const auto conn = loop.take_due()) {
      loop.on_sent(*conn, now);
      answers.emplace(*conn, server.answer_at(now));
    }
  }
  return loop.finish(std::max(now, window.to_ns));
}

/// A closed loop against it: each connection sends its next message when the last one is answered.
inline measure::Histogram closed_loop_on(SimulatedServer server, std::size_t conns, std::uint64_t duration) {
  measure::Histogram latency;
  std::queue<std::pair<std::uint64_t, std::uint64_t>> in_flight;  // sent, answered
  for (std::size_t i = 0; i < conns; ++i) in_flight.emplace(0, server.answer_at(0));
  for (; in_flight.front().second < duration; in_flight.pop()) {
    const auto [sent, answered] = in_flight.front();
    latency.record(answered - sent);
    in_flight.emplace(answered, server.answer_at(answered));
  }
  return latency;
}

/// How many durations are longer than that.
inline std::uint64_t count_beyond(const measure::Histogram& histogram, std::uint64_t ns) {
  std::uint64_t count = 0;
  for (const measure::Histogram::Bucket& bucket : histogram.recorded())
    if (bucket.first > ns) count += bucket.count;
  return count;
}

}  // namespace reactorlab::load
