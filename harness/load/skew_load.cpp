#include "harness/load/asking_load.hpp"

#include <algorithm>
#include <cmath>
#include <deque>

namespace reactorlab::load {
namespace {

/// A closed loop of requests, not of connections: an answered request is followed by one for whatever connection is drawn.
class SkewLoad final : public AskingLoad {
 public:
  explicit SkewLoad(const LoadOptions& options) : AskingLoad(options), draw_(options.seed), waiting_(options.conns) {
    for (std::size_t i = 0; i < options.conns; ++i) {
      total_ += std::pow(static_cast<double>(i + 1), -options.skew);
      up_to_.push_back(total_);
    }
  }

 private:
  bool ask_for(std::chrono::nanoseconds length) override {
    draining_ = false;
    for (std::size_t i = 0; i < options_.pipeline; ++i)
      if (!next_request(now_ns())) return false;
    const std::uint64_t end = now_ns() + nanoseconds(length);
    if (!run_until([&](std::uint64_t now) { return now >= end; })) return false;
    draining_ = true;
    return run_until([&](std::uint64_t) { return all_idle(connections_); });  // whoever has a request waiting isn't idle
  }

  bool on_answer(std::size_t number, std::uint64_t now) override {
    record(connections_[number].due_ns(), now);
    std::deque<std::uint64_t>& waiting = waiting_[number];
    if (!waiting.empty()) {
      const std::uint64_t due = waiting.front();
      waiting.pop_front();
      if (!connections_[number].ask(stream_, options_.work, due)) return false;
    }
    return draining_ || next_request(now);
  }

  bool next_request(std::uint64_t now) {
    const auto drawn = std::upper_bound(up_to_.begin(), up_to_.end(), draw_.next() * total_);
    const auto number = static_cast<std::size_t>(std::min(drawn, up_to_.end() - 1) - up_to_.begin());
    if (connections_[number].idle()) return connections_[number].ask(stream_, options_.work, now);
    waiting_[number].push_back(now);
    return true;
  }

  Draw draw_;
  std::vector<double> up_to_;  ///< of each connection: the weights of it and those before it
  double total_ = 0;
  std::vector<std::deque<std::uint64_t>> waiting_;  ///< of each connection: since when requests wait for it
};

}  // namespace

LoadResult run_skew(const LoadOptions& options) {
  SkewLoad load(options);
  return run_on_its_cpu(options, load);
}

}  // namespace reactorlab::load
