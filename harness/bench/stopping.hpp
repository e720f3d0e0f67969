#pragma once

#include "harness/bench/run_plan.hpp"
#include "harness/bench/sample.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace reactorlab::bench {

/// Of the intervals and verdicts of a run with this plan: 95 %, and where cells stop by precision what is left for each look.
[[nodiscard]] double confidence_of(const RunPlan& plan);

/// After how many rounds a cell was precise: the first look at which every ratio to the baseline, of the workload's metric, was as
/// narrow as the plan asks. Nothing while no look has said so, or where the plan asks for none. `rounds` are complete; what came
/// later doesn't count, so that a resumed run decides like one that wasn't interrupted.
[[nodiscard]] std::optional<std::size_t> precise_after(const RunPlan& plan, const std::vector<Sample>& cell, std::size_t rounds);

}  // namespace reactorlab::bench
