#include "harness/bench/spin_plan.hpp"

#include "harness/bench/control_entries.hpp"
#include "harness/bench/json_optional.hpp"
#include "harness/bench/metric.hpp"
#include "harness/bench/served_workloads.hpp"
#include "harness/measure/canary.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

constexpr std::size_t kPilots = 3;

const Entry* base_of_positive_controls(const RunPlan& plan) {
  for (const Entry& control : plan.entries) {
    if (!injected_share(control.label)) continue;
    for (const Entry& entry : plan.entries)
      if (entry.label == base_of(control.label)) return &entry;
  }
  return nullptr;
}

/// Why no work can be injected into a cell's operations; empty where it can.
std::string obstacle_to_spinning(const Cell& cell) {
  const Workload& workload = workload_of(cell.workload);
  if (workload.metric == Metric::UserBytes) return "work costs no memory";
  if (!workload.in_process && served_workload_of(cell.workload).proto != "echo")
    return "only the servers of TCP echo do a control's work";
  return "";
}

/// Nothing: the user doesn't want to go on.
std::optional<PilotedCell> pilot(const RunPlan& plan, const Entry& base, const Cell& cell, const TakePilot& take) {
  const Metric metric = workload_of(cell.workload).metric;
  if (const std::string reason = obstacle_to_spinning(cell); !reason.empty()) return PilotedCell{cell, std::nullopt, reason};
  std::vector<double> costs;
  std::string reason = "its pilot samples had no figure";
  for (std::size_t i = 0; i < kPilots; ++i) {
    const auto sample = take(base, {.cell = cell, .round = 0, .position = i, .seed = plan.seed + i});
    if (!sample) return std::nullopt;
    if (const auto cost = value_of(metric, *sample)) costs.push_back(*cost);
    if (sample->is_void()) reason = "its pilot was void: " + sample->void_reason;
    if (!sample->applicable()) reason = sample->not_applicable;
  }
  if (costs.empty()) return PilotedCell{cell, std::nullopt, reason};
  return PilotedCell{cell, measure::median(std::move(costs)), ""};
}

const PilotedCell* find(const SpinPlan& plan, const Cell& cell) {
  const auto found = std::find_if(plan.cells.begin(), plan.cells.end(), [&](const PilotedCell& one) { return one.cell == cell; });
  return found == plan.cells.end() ? nullptr : &*found;
}

}  // namespace

bool has_positive_controls(const RunPlan& plan) { return base_of_positive_controls(plan) != nullptr; }

std::optional<InjectedSpin> spin_for(const SpinPlan& plan, const Cell& cell, double share) {
  const PilotedCell* const piloted = find(plan, cell);
  if (piloted == nullptr || !piloted->cost_ns || !(plan.ns_per_iteration > 0)) return std::nullopt;
  const double ns = *piloted->cost_ns * share;
  return InjectedSpin{.iterations = ns / plan.ns_per_iteration, .ns = ns};
}

std::string why_no_spin(const SpinPlan& plan, const Cell& cell) {
  const PilotedCell* const piloted = find(plan, cell);
  return piloted == nullptr ? "nothing was calibrated for this cell" : piloted->reason;
}

std::optional<SpinPlan> pilot_spins(const RunPlan& plan, double ns_per_iteration, const TakePilot& take) {
  const Entry* const base = base_of_positive_controls(plan);
  SpinPlan spins{.ns_per_iteration = ns_per_iteration, .cells = {}};
  if (base == nullptr) return spins;
  for (const Cell& cell : plan.cells) {
    auto piloted = pilot(plan, *base, cell, take);
    if (!piloted) return std::nullopt;
    spins.cells.push_back(std::move(*piloted));
  }
  return spins;
}

double measure_spin(std::optional<int> cpu) {
  constexpr int kCanaries = 5;
  std::uint64_t fastest = std::numeric_limits<std::uint64_t>::max();
  for (int i = 0; i < kCanaries; ++i) fastest = std::min(fastest, measure::run_canary(cpu).fastest_ns);
  return static_cast<double>(fastest) / static_cast<double>(measure::kCanaryIterations);
}

json to_json(const SpinPlan& plan) {
  json cells = json::array();
  for (const PilotedCell& one : plan.cells) {
    cells.push_back({{"workload", one.cell.workload}, {"params", one.cell.params}, {"cost_ns", or_null(one.cost_ns)}});
    if (!one.reason.empty()) cells.back()["reason"] = one.reason;
  }
  return {{"ns_per_iteration", plan.ns_per_iteration}, {"cells", cells}};
}

SpinPlan spin_plan_from_json(const json& from) {
  SpinPlan plan{.ns_per_iteration = from.at("ns_per_iteration"), .cells = {}};
  for (const json& one : from.at("cells"))
    plan.cells.push_back(
        {{one.at("workload"), one.at("params").get<Params>()}, optional_at<double>(one, "cost_ns"), one.value("reason", "")});
  return plan;
}

}  // namespace reactorlab::bench
