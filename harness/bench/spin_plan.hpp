#pragma once

#include "harness/bench/run_plan.hpp"
#include "harness/bench/sample_runner.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

/// How much work the positive controls of a run inject: a share of what an operation of their base costs, measured by pilot samples
/// before the run. It is part of the provenance, so that a run that is continued injects the same.
namespace reactorlab::bench {

struct PilotedCell {
  Cell cell;
  std::optional<double> cost_ns;  ///< of an operation: the median of the pilots
  std::string reason;             ///< why there is none
};

struct SpinPlan {
  double ns_per_iteration = 0;
  std::vector<PilotedCell> cells;
};

/// What a control that injects this share does in a cell. Nothing where it can't; then why_no_spin() says why.
[[nodiscard]] std::optional<InjectedSpin> spin_for(const SpinPlan& plan, const Cell& cell, double share);
[[nodiscard]] std::string why_no_spin(const SpinPlan& plan, const Cell& cell);

/// Takes pilot samples of the base of the positive controls, in every cell. `take` takes one; nothing where the user doesn't want
/// to go on, and then there is no plan.
using TakePilot = std::function<std::optional<Sample>(const Entry& entry, const SamplePlace& place)>;
[[nodiscard]] std::optional<SpinPlan> pilot_spins(const RunPlan& plan, double ns_per_iteration, const TakePilot& take);

/// Whether the run has positive controls.
[[nodiscard]] bool has_positive_controls(const RunPlan& plan);

/// What an iteration costs on that CPU: the fastest of a few canaries. Throws std::system_error as measure::run_canary.
[[nodiscard]] double measure_spin(std::optional<int> cpu);

[[nodiscard]] nlohmann::json to_json(const SpinPlan& plan);

/// Throws nlohmann::json::exception.
[[nodiscard]] SpinPlan spin_plan_from_json(const nlohmann::json& json);

}  // namespace reactorlab::bench
