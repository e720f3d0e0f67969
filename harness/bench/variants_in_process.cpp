// The workloads inside the process, for the variants: the group that has the one that is asked for.

#include "harness/bench/variants_in_process.hpp"

#include <algorithm>
#include <stdexcept>

#include "harness/bench/scenario_group.hpp"
#include "harness/scenarios/counters.hpp"

namespace reactorlab::bench {
namespace {

std::vector<const ScenarioGroup*> groups() {
  return {&task_scenarios(),         &micro_scenarios(), &cross_thread_scenarios(),
          &registration_scenarios(), &timer_scenarios(), &steady_io_scenarios()};
}

}  // namespace

std::vector<std::string_view> variant_scenarios() {
  std::vector<std::string_view> names;
  for (const ScenarioGroup* const group : groups()) names.insert(names.end(), group->names.begin(), group->names.end());
  return names;
}

std::map<std::string, std::uint64_t> counters_of(const RuntimeStats& stats) { return scenarios::counters_of(stats); }

InProcessReport run_variant_in_process(std::string_view home, const RuntimeOptions& options, const InProcessRequest& request) {
  for (const ScenarioGroup* const group : groups())
    if (std::find(group->names.begin(), group->names.end(), request.workload) != group->names.end())
      return group->run(home, options, request);
  throw std::invalid_argument{"no workload inside the process is called '" + request.workload + "'; `bench list` names them"};
}

}  // namespace reactorlab::bench
