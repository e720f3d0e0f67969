#pragma once

#include "harness/bench/run_plan.hpp"
#include "harness/bench/sample.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace reactorlab::bench {

/// One sample that a run is going to take.
struct Slot {
  std::size_t round = 0;
  std::size_t cell = 0;      ///< index into the plan's cells
  std::size_t position = 0;  ///< within the round
  std::size_t entry = 0;     ///< index into the plan's entries
  std::uint64_t seed = 0;    ///< of the sample's bytes and environment
};

/// Everything in the order in which it is measured. The same plan always gives the same schedule: so a run that was
/// interrupted goes on where it stood.
[[nodiscard]] std::vector<Slot> schedule_of(const RunPlan& plan);

/// Which slot of the schedule a sample fills; nothing for a sample of another plan.
[[nodiscard]] std::optional<std::size_t> slot_of(const RunPlan& plan, const std::vector<Slot>& schedule, const Sample& sample);

/// About how long these slots take.
[[nodiscard]] std::chrono::milliseconds expected_time(const RunPlan& plan, const std::vector<Slot>& slots);

}  // namespace reactorlab::bench
