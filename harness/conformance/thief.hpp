#pragma once
// Takes away what the kernel has just reported, before the runtime can look: how a report becomes a false one on real objects.

#include <functional>
#include <utility>

#include "harness/conformance/script.hpp"
#include "harness/conformance/sync_points.hpp"

namespace reactorlab::conformance {

/// Needs a script that logs epoll_wait. Outlives its visits: whoever calls lurk() waits until it has struck.
class Thief {
 public:
  Thief(Script& script, SyncPoints& points, std::function<void()> take)
      : script_{script}, points_{points}, take_{std::move(take)} {}

  /// The next wait that reports `fd` is followed by the theft, on the driver's thread.
  void lurk(int fd) {
    seen_ = script_.log_of(sys::Op::epoll_wait).size();
    token_ = script_.token_of(fd);
    wait_for_report();
  }

 private:
  void wait_for_report() {
    points_.at(SyncPoint::poll_returned, [this] { reported() ? take_() : wait_for_report(); });
  }
  bool reported() {
    const auto waits = script_.log_of(sys::Op::epoll_wait);
    while (seen_ < waits.size()) {
      for (const Event& event : waits[seen_++].events) {
        if (event.token == token_) return true;
      }
    }
    return false;
  }

  Script& script_;
  SyncPoints& points_;
  const std::function<void()> take_;
  std::size_t seen_ = 0;
  Token token_ = 0;
};

}  // namespace reactorlab::conformance
