#pragma once

#include "harness/bench/run_plan.hpp"
#include "harness/measure/hot_processes.hpp"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace reactorlab::bench {

/// Whether a run with this plan is made for publication: the tier standard.
[[nodiscard]] bool is_for_publication(const RunPlan& plan);

/// Lets a run begin beside these processes, or doesn't. Throws std::runtime_error with cause and remedy where a run for publication
/// would be disturbed and `accept_noise` doesn't allow it. `notes` gets the warning otherwise.
void require_quiet(const RunPlan& plan, const std::vector<measure::HotProcess>& hot, bool accept_noise,
                   std::vector<std::string>& notes);

/// As provenance.json says it, without names: they are nobody's business.
[[nodiscard]] nlohmann::json to_json(const std::vector<measure::HotProcess>& hot);

}  // namespace reactorlab::bench
