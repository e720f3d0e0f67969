#include "harness/load/many_load.hpp"

#include <algorithm>
#include <stdexcept>

namespace reactorlab::load {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;

/// Connections that are idle but for one message now and then, on each in turn.
class HeartbeatLoad final : public ManyLoad {
 public:
  explicit HeartbeatLoad(const LoadOptions& options) : ManyLoad(options, options.conns), period_ns_(period_of(options.rate)) {
    stream_.pipeline = 1;
  }

 private:
  static std::uint64_t period_of(double rate) {
    if (!(rate > 0)) throw std::invalid_argument("a heartbeat needs a rate above 0");
    return static_cast<std::uint64_t>(1e9 / rate);
  }

  void steps() override {
    if (!open_up_to(options_.conns) || !beat_for(options_.warmup)) return;
    open_window();
    if (beat_for(options_.duration)) close_window();
  }

  bool beat_for(std::chrono::nanoseconds length) {
    const std::uint64_t start = now_ns();
    for (std::uint64_t due = start; due < start + nanoseconds(length); due += period_ns_) {
      if (!wait_until(due)) return false;
      Connection& next = connections_[beats_++ % connections_.size()];
      if (!next.start(stream_, now_ns()) || !run_until([&](std::uint64_t) { return next.idle(); })) return false;
    }
    return wait_until(start + nanoseconds(length));
  }

  /// Asleep, so that the server's CPU is its own. What the server sends meanwhile is an error.
  bool wait_until(std::uint64_t due) {
    for (std::uint64_t now = now_ns(); now < due; now = now_ns())
      if (cancelled() || !turn(static_cast<int>(std::clamp<std::uint64_t>((due - now) / kNsPerMs, 1, 100)))) return false;
    return true;
  }

  const std::uint64_t period_ns_;
  std::uint64_t beats_ = 0;
};

}  // namespace

LoadResult run_heartbeat(const LoadOptions& options) {
  HeartbeatLoad load(options);
  return run_on_its_cpu(options, load);
}

}  // namespace reactorlab::load
