#pragma once
// The wall clock as this process sees it: a test moves it by days, and counts who looks.

#include <chrono>

namespace reactorlab::conformance {

/// Counts and moves until destroyed. One at a time. It stands in for clock_gettime() itself, so it covers the C++ library too.
class WallClock {
 public:
  WallClock();
  WallClock(const WallClock&) = delete;
  ~WallClock();

  /// Any thread. Adds up.
  void jump(std::chrono::seconds by) noexcept;
  /// How often any thread has asked for the time of day.
  unsigned reads() const noexcept;
};

}  // namespace reactorlab::conformance
