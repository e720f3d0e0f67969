#pragma once
// What the workloads inside the process have in common. Each is a function
//   InProcessReport workload(Rt& runtime, const InProcessRequest& request)
// called on the thread that made the runtime. Everything between open_window() and close_window() is measured; both are called
// once.

#include <stdexcept>

#include "harness/scenarios/in_process.hpp"

namespace reactorlab::scenarios {

/// Before the window opens: pools are filled, code and tables are in the caches.
inline constexpr std::uint64_t warm_up_operations = 256;

inline void open_window(const InProcessRequest& request) {
  if (request.on_window_open) request.on_window_open();
}
inline void close_window(const InProcessRequest& request) {
  if (request.on_window_close) request.on_window_close();
}

/// First thing in a thread of the workload's own.
inline void take_foreign_place(const InProcessRequest& request) {
  if (request.on_foreign_thread) request.on_foreign_thread();
}

/// A parameter that counts things of which there must be some.
inline std::uint64_t count_param(const InProcessRequest& request, const char* name) {
  const auto found = request.params.find(name);
  if (found != request.params.end() && found->second != 0) return found->second;
  throw std::invalid_argument{request.workload + ": the parameter " + name + " must be given and positive"};
}

/// A parameter that may be 0, or left out where it is.
inline std::uint64_t number_param(const InProcessRequest& request, const char* name, std::uint64_t otherwise = 0) {
  const auto found = request.params.find(name);
  return found == request.params.end() ? otherwise : found->second;
}

/// How many threads run tasks: of one runtime, or of as many as there are threads (crew.hpp).
inline unsigned threads_param(const InProcessRequest& request) {
  const std::uint64_t threads = number_param(request, "threads", 1);
  if (threads != 0 && threads <= 64) return static_cast<unsigned>(threads);
  throw std::invalid_argument{request.workload + ": the parameter threads must be between 1 and 64"};
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
