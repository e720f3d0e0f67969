// What comes from another thread than the one that runs the task, and what goes there.

#include "harness/bench/scenario_group.hpp"
#include "harness/scenarios/foreign_events.hpp"
#include "harness/scenarios/handoff_chain.hpp"
#include "harness/scenarios/migrate.hpp"
#include "harness/scenarios/remote_spawn.hpp"
#include "harness/scenarios/two_runtimes.hpp"
#include "harness/scenarios/xwake_flood.hpp"

namespace reactorlab::bench {
template <class Rt>
struct CrossThreadScenarios {
  static constexpr Scenario<Rt> all[] = {
      {"xwake_flood", &scenarios::xwake_flood<Rt>}, {"remote_spawn", &scenarios::remote_spawn<Rt>},
      {"fd_wake", &scenarios::foreign_events<Rt>},  {"hot_neighbour", &scenarios::foreign_events<Rt>},
      {"herd", &scenarios::foreign_events<Rt>},     {"handoff_chain", &scenarios::handoff_chain<Rt>},
      {"migrate", &scenarios::migrate<Rt>},         {"two_runtimes", &scenarios::two_runtimes<Rt>},
  };
};

const ScenarioGroup& cross_thread_scenarios() {
  static const ScenarioGroup group = group_of<CrossThreadScenarios>();
  return group;
}

}  // namespace reactorlab::bench
