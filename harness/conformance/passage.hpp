#pragma once
// A task's way to wait until some thread has come by a sync point, without a system call or a turn of its own.

#include "core/reactorlab.hpp"
#include "harness/conformance/sync_points.hpp"

namespace reactorlab::conformance {

/// watch(), then do what leads there, then co_await seen(). Only that one arrival counts; one watch at a time. With io_parked:
/// "the next operation that is awaited has parked"; with io_after_would_block: "the next attempt has said EAGAIN".
class Passage {
 public:
  Passage(SyncPoints& points, SyncPoint point) noexcept : points_{points}, point_{point} {}

  void watch(unsigned nth = 1) {
    points_.at(point_, [this] { passed_.set(); }, nth);
  }
  auto seen() noexcept { return passed_.wait(); }

 private:
  SyncPoints& points_;
  const SyncPoint point_;
  AutoResetEvent passed_;
};

}  // namespace reactorlab::conformance
