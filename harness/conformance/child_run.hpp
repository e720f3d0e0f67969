#pragma once
// The kit in a child process, for what may hang it or crash it.

#include <string>
#include <vector>

namespace reactorlab::conformance {

/// What became of one child, and the end of what it said.
struct Ending {
  int wait_status;
  bool timed_out;
  std::string said;
};

/// Runs this program once more with those arguments, the first of which is its name.
Ending run_child(std::vector<std::string> arguments);

/// Why its tests failed (a failure, a hang and a crash count alike), or nothing if they passed (or were skipped). Throws if they
/// couldn't start.
std::string verdict(const Ending& ending);

}  // namespace reactorlab::conformance
