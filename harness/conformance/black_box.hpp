#pragma once
// The kit for a runtime that isn't one of impls/: whatever can be asked of it through IRuntime, with real sockets,
// threads and time. Rules that need the seams (scripted system calls, sync points, virtual time) are skipped, and
// counted.

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "core/runtime.hpp"

namespace reactorlab::conformance {

using MakeRuntime = std::function<std::unique_ptr<IRuntime>(const RuntimeOptions&)>;

/// The runtime under test.
struct Subject {
  std::string name;           ///< for the tests' names: letters, digits and underscores
  Capabilities capabilities;  ///< rules that need another one are skipped, and counted
  MakeRuntime make;
  RuntimeOptions options{};
};

/// A main() of its own: runs the kit on the subject; --help says how to run a part of it. The result is the exit
/// status: 0 no rule failed, 1 one did, 2 usage, 3 nothing matches; the process ends with 4 when nothing can happen any
/// more.
int run_black_box(int argc, char** argv, const Subject& subject);

// --- for the kit itself ------------------------------------------------------------------------------------------------------
// Bodies use none of this; what they work through does.

/// What a body throws that reaches for a seam of a runtime that has none. Its test is then skipped.
class SeamNeeded : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Whether the runtime under test keeps to the seams. Set once, before any test.
inline bool seams_available = true;

/// First thing in whatever works through a seam. `seam` completes "needs ...".
inline void need_seam(const char* seam) {
  if (!seams_available) throw SeamNeeded{seam};
}

}  // namespace reactorlab::conformance
