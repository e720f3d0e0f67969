// Timers: many at once, from several threads, moved, and beside much I/O.

#include "harness/bench/scenario_group.hpp"
#include "harness/scenarios/deadline_move.hpp"
#include "harness/scenarios/earlier_deadline_remote.hpp"
#include "harness/scenarios/lateness_under_io.hpp"
#include "harness/scenarios/timer_contend.hpp"
#include "harness/scenarios/timer_storm.hpp"

namespace reactorlab::bench {
namespace {

const char* only_forwarded(const Capabilities& can, const InProcessRequest& request) {
  if (can.foreign_registration || scenarios::number_param(request, "forwarded") != 0) return nullptr;
  return "confined to its thread: nobody else may arm a timer there, only send it a task that does (forwarded 1)";
}

}  // namespace

template <class Rt>
struct TimerScenarios {
  static constexpr Scenario<Rt> all[] = {
      {"timer_storm", &scenarios::timer_storm<Rt>},
      {"timer_contend", &scenarios::timer_contend<Rt>},
      {"deadline_move", &scenarios::deadline_move<Rt>},
      {"earlier_deadline_remote", &scenarios::earlier_deadline_remote<Rt>, &only_forwarded},
      {"lateness_under_io", &scenarios::lateness_under_io<Rt>},
  };
};

const ScenarioGroup& timer_scenarios() {
  static const ScenarioGroup group = group_of<TimerScenarios>();
  return group;
}

}  // namespace reactorlab::bench
