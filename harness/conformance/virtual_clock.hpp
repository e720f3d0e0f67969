#pragma once
// Time that only moves when the test says so. While it is installed no wait ends by real time: it ends with 0 events when
// virtual time has reached its limit.

#include <atomic>

#include "core/clock.hpp"

namespace reactorlab::conformance {

class VirtualClock final : public clock::Source {
 public:
  enum class Mode {
    manual,     ///< only advance() moves time
    automatic,  ///< a wait in which nothing is ready jumps to its own limit
  };

  /// Installed until destroyed. Make it before the runtime; the runtime of the fixture may outlive it once nothing waits for time.
  explicit VirtualClock(Mode mode = Mode::manual);
  VirtualClock(const VirtualClock&) = delete;
  ~VirtualClock() override;

  TimePoint now() noexcept override { return seen_here_ = TimePoint{now_ns_.load(std::memory_order_acquire)}; }
  /// What now() said last on this thread. A wait's limit is relative to that: time may have moved since it was computed.
  static TimePoint seen_here() noexcept { return seen_here_; }
  /// Any thread. Waits whose limit has come by then end.
  void advance(Duration by) noexcept;

  /// Whether a wait until then is over; in automatic mode it always is, and time has moved there. For KernelTap.
  bool has_come(TimePoint deadline) noexcept;

 private:
  static inline thread_local TimePoint seen_here_{};
  std::atomic<std::uint64_t> now_ns_;
  const Mode mode_;
};

}  // namespace reactorlab::conformance
