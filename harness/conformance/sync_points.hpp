#pragma once
// Holds threads where the library says something could slip in between, counts arrivals, or runs a test's code there.

#include <functional>

#include "core/sync.hpp"

namespace reactorlab::conformance {

/// Installed until destroyed; then every held thread goes on. One at a time. All calls from any thread but a held one.
class SyncPoints {
 public:
  SyncPoints();
  SyncPoints(const SyncPoints&) = delete;
  ~SyncPoints();

  /// The arrival number `nth` (from 1) counted from now stays there until release().
  void hold(SyncPoint point, unsigned nth = 1);
  /// Returns when a thread is held at that point.
  void wait_until_reached(SyncPoint point);
  void release(SyncPoint point);

  /// `code` runs on the thread that makes the arrival number `nth` from now, with no lock of the kit held. It may use everything
  /// here.
  void at(SyncPoint point, std::function<void()> code, unsigned nth = 1);

  /// Arrivals so far, by all threads.
  unsigned arrivals(SyncPoint point) const;
  /// Returns when there have been that many.
  void wait_for_arrivals(SyncPoint point, unsigned count);
};

}  // namespace reactorlab::conformance
