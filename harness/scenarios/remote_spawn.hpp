#pragma once
// remote_spawn: a thread outside spawns a task and waits for its result, as synchronous code does that calls asynchronous code.

#include "core/reactorlab.hpp"
#include "harness/scenarios/foreign_session.hpp"
#include "harness/scenarios/spawn_join.hpp"

namespace reactorlab::scenarios {

template <class Rt>
InProcessReport remote_spawn(Rt& runtime, const InProcessRequest& request) {
  return run_foreign_rounds(runtime, request, [&](std::uint32_t number) {
    JoinHandle<std::uint64_t> child = runtime.spawn(returning(number));
    return child.wait() == number;
  });
}

}  // namespace reactorlab::scenarios
