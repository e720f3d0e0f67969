#pragma once
// await_chain: a task awaits coroutines that need nothing but to be run. Nothing is queued, spawned or woken, so neither reactor
// nor executor is in the path: every home does the same, and must come out the same.

#include "core/reactorlab.hpp"
#include "harness/scenarios/spawn_join.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

inline Task<> await_children(std::uint64_t count, InProcessReport& report) {
  for (std::uint64_t i = 0; i < count; ++i) verify(report, co_await returning(i) == i);
}

/// No template: the homes run the same instructions at the same addresses.
inline Task<> await_chain_inside(const InProcessRequest& request, InProcessReport& report) {
  InProcessReport warm_up;
  co_await await_children(warm_up_operations, warm_up);
  open_window(request);
  co_await await_children(request.operations, report);
  close_window(request);
  report.errors += warm_up.errors;
}

template <class Rt>
InProcessReport await_chain(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(await_chain_inside(request, report));
  return report;
}

}  // namespace reactorlab::scenarios
