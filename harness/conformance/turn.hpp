#pragma once
// A turn at a moment of the test's choosing.

#include "core/runtime.hpp"
#include "harness/conformance/script.hpp"

namespace reactorlab::conformance {

/// Returns once everything that is ready now, or was injected, has been taken and dispatched. Meant for code that runs at a sync
/// point (SyncPoints::at), so it works while the calling thread stands inside the runtime: on a confined runtime it takes and
/// dispatches the events itself, elsewhere another thread does. False, and nothing has happened, where nobody else could: the
/// caller is the only worker. `epoll` from Script::epoll_of.
bool let_a_turn_happen(IRuntime& runtime, Script& script, int epoll);

}  // namespace reactorlab::conformance
