// The workloads that there were first: tasks, timers and wakes, one of each.

#include "harness/bench/scenario_group.hpp"
#include "harness/scenarios/cross_thread_wake.hpp"
#include "harness/scenarios/post.hpp"
#include "harness/scenarios/reg_churn.hpp"
#include "harness/scenarios/spawn_join.hpp"
#include "harness/scenarios/timer_fire.hpp"
#include "harness/scenarios/timer_insert_cancel.hpp"
#include "harness/scenarios/yield.hpp"

namespace reactorlab::bench {
template <class Rt>
struct TaskScenarios {
  static constexpr Scenario<Rt> all[] = {
      {"spawn_join", &scenarios::spawn_join<Rt>},
      {"yield", &scenarios::yield_round<Rt>},
      {"timer_insert_cancel", &scenarios::timer_insert_cancel<Rt>},
      {"timer_fire", &scenarios::timer_fire<Rt>},
      {"cross_thread_wake", &scenarios::cross_thread_wake<Rt>},
      {"post", &scenarios::post<Rt>},
      {"reg_churn", &scenarios::reg_churn<Rt>},
  };
};

const ScenarioGroup& task_scenarios() {
  static const ScenarioGroup group = group_of<TaskScenarios>();
  return group;
}

}  // namespace reactorlab::bench
