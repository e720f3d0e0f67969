// Registrations and runtimes: their beginnings and ends.

#include "harness/bench/scenario_group.hpp"
#include "harness/scenarios/cancel_storm.hpp"
#include "harness/scenarios/fd_reuse.hpp"
#include "harness/scenarios/register_contend.hpp"
#include "harness/scenarios/register_while_parked.hpp"
#include "harness/scenarios/start_stop.hpp"

namespace reactorlab::bench {
namespace {

const char* only_forwarded(const Capabilities& can, const InProcessRequest& request) {
  if (can.foreign_registration || scenarios::number_param(request, "forwarded") != 0) return nullptr;
  return "confined to its thread: nobody else may register there, only send it a task that does (forwarded 1)";
}

}  // namespace

template <class Rt>
struct RegistrationScenarios {
  static constexpr Scenario<Rt> all[] = {
      {"register_while_parked", &scenarios::register_while_parked<Rt>, &only_forwarded},
      {"register_contend", &scenarios::register_contend<Rt>},
      {"cancel_storm", &scenarios::cancel_storm<Rt>},
      {"fd_reuse", &scenarios::fd_reuse<Rt>},
      {"start_stop", &scenarios::start_stop<Rt>},
  };
};

const ScenarioGroup& registration_scenarios() {
  static const ScenarioGroup group = group_of<RegistrationScenarios>();
  return group;
}

}  // namespace reactorlab::bench
