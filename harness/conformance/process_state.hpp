#pragma once
// What a process holds that a runtime might have left behind: open descriptors and threads.

#include <cstddef>
#include <map>
#include <set>
#include <string>

namespace reactorlab::conformance {

/// Once, in main(), before any test: lines are written as they come, and what the kit needs for itself is open.
void prepare_process();

struct ProcessState {
  std::map<int, std::string> descriptors;  ///< number -> what it is, as /proc/self/fd says; of a file its inode
  std::size_t threads = 0;

  static ProcessState now();
  /// now(), as soon as there aren't more threads than in `before`: /proc shows a thread for a moment after it was joined. If they
  /// don't go away, the state after ten thousand looks.
  static ProcessState settled_like(const ProcessState& before);
};

/// What /proc says of one thread.
struct ThreadState {
  char state = '?';
  unsigned long switches = 0;  ///< how often it left a CPU
  std::string name;
  friend bool operator==(const ThreadState&, const ThreadState&) = default;
};
using Threads = std::map<int, ThreadState>;

/// By id.
Threads threads_but(const std::set<int>& ignored);
bool all_sleep(const Threads& threads);

/// Waits until nothing of a runtime happens any more: at one and the same moment all threads but the caller's and the `ignored`
/// were asleep, none of them in a wait with a limit in real time. False if it made two hundred system calls, beginnings and ends,
/// instead.
bool came_to_rest(std::set<int> ignored);

/// Whether all threads but the caller's are asleep. When nothing is about to wake them, the workers have settled: one waits in the
/// reactor, the others are parked.
bool all_others_sleep();

}  // namespace reactorlab::conformance
