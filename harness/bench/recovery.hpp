#pragma once

#include "harness/bench/run_plan.hpp"
#include "harness/bench/sample.hpp"
#include "harness/bench/schedule.hpp"

#include <optional>
#include <string>
#include <vector>

namespace reactorlab::bench {

/// What a samples.jsonl still tells.
struct Recovery {
  std::vector<std::optional<Sample>> samples;  ///< by slot of the schedule
  std::string good_lines;                      ///< as they stood, in their order
  std::string damaged_lines;
  std::vector<std::string> damage;  ///< "samples.jsonl:12: not JSON: ..."
  std::size_t kept = 0;
};

/// Reads what a run with this plan and digest has written. A line counts only if it is a whole sample of this plan and
/// the first of its slot; whatever else is there is damage, with file, line and what is wrong. Throws
/// std::runtime_error if the lines are samples of another run.
[[nodiscard]] Recovery recover(const std::string& text, const RunPlan& plan, const std::vector<Slot>& schedule,
                               const std::string& digest);

}  // namespace reactorlab::bench
