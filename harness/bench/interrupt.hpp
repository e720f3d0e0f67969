#pragma once

#include <atomic>

namespace reactorlab::bench {

/// While it lives, SIGINT and SIGTERM set a flag instead of ending the process; a second one ends it as usual. One at a
/// time.
class InterruptFlag {
 public:
  InterruptFlag();
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;

  [[nodiscard]] static const std::atomic<bool>& raised() noexcept;
};

}  // namespace reactorlab::bench
