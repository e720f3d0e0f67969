// One thread, one primitive: what it costs to reach the reactor, not to need it, to go through it once.

#include "harness/bench/scenario_group.hpp"
#include "harness/scenarios/channel_ping.hpp"
#include "harness/scenarios/handle_acquire.hpp"
#include "harness/scenarios/park_wake_self.hpp"
#include "harness/scenarios/ready_hit.hpp"
#include "harness/scenarios/turn_k_of_n.hpp"
#include "harness/scenarios/waker_clone.hpp"

namespace reactorlab::bench {
template <class Rt>
struct MicroScenarios {
  static constexpr Scenario<Rt> all[] = {
      {"ready_hit", &scenarios::ready_hit<Rt>},           {"park_wake_self", &scenarios::park_wake_self<Rt>},
      {"handle_acquire", &scenarios::handle_acquire<Rt>}, {"turn_k_of_n", &scenarios::turn_k_of_n<Rt>},
      {"waker_clone", &scenarios::waker_clone<Rt>},       {"channel_ping", &scenarios::channel_ping<Rt>},
  };
};

const ScenarioGroup& micro_scenarios() {
  static const ScenarioGroup group = group_of<MicroScenarios>();
  return group;
}

}  // namespace reactorlab::bench
