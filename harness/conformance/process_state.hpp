#pragma once
// What a process holds that a runtime might have left behind: open descriptors and threads.

#include <cstddef>
#include <map>
#include <string>

namespace reactorlab::conformance {

/// Once, in main(), before any test: lines are written as they come, and what the kit needs for itself is open.
void prepare_process();

struct ProcessState {
  std::map<int, std::string> descriptors;  ///< number -> what it is, as /proc/self/fd says
  std::size_t threads = 0;

  static ProcessState now();
  /// now(), as soon as there aren't more threads than in `before`: /proc shows a thread for a moment after it was joined. If they
  /// don't go away, the state after ten thousand looks.
  static ProcessState settled_like(const ProcessState& before);
};

/// Whether all threads but the caller's are asleep. When nothing is about to wake them, the workers have settled: one waits in the
/// reactor, the others are parked.
bool all_others_sleep();

}  // namespace reactorlab::conformance
