#include "harness/bench/quiet_machine.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace reactorlab::bench {

bool is_for_publication(const RunPlan& plan) { return plan.tier == "standard"; }

void require_quiet(const RunPlan& plan, const std::vector<measure::HotProcess>& hot, bool accept_noise,
                   std::vector<std::string>& notes) {
  if (hot.empty()) return;
  const std::string who = measure::describe(hot);
  if (is_for_publication(plan) && !accept_noise)
    throw std::runtime_error(
        fmt::format("the tier {} is measured for publication, and the machine is busy: {}. Stop that or wait until it has ended; "
                    "with --accept-noise it is measured nevertheless, and the results say so",
                    plan.tier, who));
  notes.push_back(fmt::format("the machine is busy, so intervals will be wider than they need to be: {}", who));
}

nlohmann::json to_json(const std::vector<measure::HotProcess>& hot) {
  double share = 0;
  for (const measure::HotProcess& one : hot) share += one.share;
  return {{"processes", hot.size()}, {"cpus", share}};
}

}  // namespace reactorlab::bench
