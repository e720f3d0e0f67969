#pragma once
// What the workloads inside the process have in common. Each is a function
//   InProcessReport workload(Rt& runtime, const InProcessRequest& request)
// called on the thread that made the runtime. Everything between open_window() and close_window() is measured; both are called once.

#include "harness/engine.hpp"

namespace reactorlab::scenarios {

/// Before the window opens: pools are filled, code and tables are in the caches.
inline constexpr std::uint64_t warm_up_operations = 256;

inline void open_window(const InProcessRequest& request) {
  if (request.on_window_open) request.on_window_open();
}
inline void close_window(const InProcessRequest& request) {
  if (request.on_window_close) request.on_window_close();
}

/// Counts one answer.
inline void verify(InProcessReport& report, bool right) noexcept {
  if (right) [[likely]]
    ++report.operations;
  else
    ++report.errors;
}

/// Which part of `total` operations the one of `index` among `count` equals does: they differ by one at most.
inline constexpr std::uint64_t share_of(std::uint64_t total, std::uint64_t count, std::uint64_t index) noexcept {
  return total / count + (index < total % count ? 1 : 0);
}

}  // namespace reactorlab::scenarios
