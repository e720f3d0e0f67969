#pragma once
// spawn_join: what a task costs from its birth to its result.

#include "core/reactorlab.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

inline Task<std::uint64_t> returning(std::uint64_t value) { co_return value; }

/// Spawns children one after the other, each joined before the next.
template <class Rt>
Task<> join_children(Rt& runtime, std::uint64_t count, InProcessReport& report) {
  for (std::uint64_t i = 0; i < count; ++i) verify(report, co_await runtime.spawn(returning(i)) == i);
}

template <class Rt>
Task<> spawn_join_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  InProcessReport warm_up;
  co_await join_children(runtime, warm_up_operations, warm_up);
  open_window(request);
  co_await join_children(runtime, request.operations, report);
  close_window(request);
  report.errors += warm_up.errors;
}

template <class Rt>
InProcessReport spawn_join(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(spawn_join_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
