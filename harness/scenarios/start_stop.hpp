#pragma once
// start_stop: the whole life of a runtime. One operation: made, one event, its end.

#include "core/reactorlab.hpp"
#include "harness/scenarios/counters.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/foreign_session.hpp"
#include "harness/scenarios/park_wake_self.hpp"

namespace reactorlab::scenarios {

/// The lowest number that is free: one that is left open moves it, sooner or later.
inline int lowest_free_descriptor() { return UniqueFd{make_eventfd()}.get(); }

template <class Rt>
bool live_once(const RuntimeOptions& options, InProcessReport& counts) {
  InProcessReport event;
  Rt runtime{options};
  const RuntimeStats before = runtime.stats();
  runtime.block_on(park_and_wake(runtime, 1, event));
  add_counters<Rt>(counts, before, runtime.stats());
  return event.operations == 1 && event.errors == 0;
}

/// Beside the runtime that the scenario is given, on a thread outside, since a thread has one confined runtime at most.
template <class Rt>
InProcessReport start_stop(Rt& runtime, const InProcessRequest& request) {
  const RuntimeOptions options = options_like(runtime, 1);
  InProcessReport counts;
  int lowest = -1;
  InProcessReport report = run_foreign_rounds(runtime, request, [&](std::uint32_t number) {
    InProcessReport warm_up;
    const bool right = live_once<Rt>(options, number <= foreign_warm_up ? warm_up : counts);
    if (number == foreign_warm_up) lowest = lowest_free_descriptor();
    return right;
  });
  report.errors += lowest_free_descriptor() != lowest;
  report.counters = counts.counters;
  return report;
}

}  // namespace reactorlab::scenarios
