#pragma once
// timer_storm: many sleeps with one deadline, and again, every 20 ms. One operation is one that ended.

#include "core/reactorlab.hpp"
#include "harness/scenarios/timer_fire.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// At the end of the span, so that the first ones are all set before they are due.
inline Duration end_of_span(std::uint64_t, std::uint64_t) noexcept { return timer_fire_span; }

/// params: timers that have the same deadline.
template <class Rt>
InProcessReport timer_storm(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(fire_timers(runtime, &end_of_span, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
