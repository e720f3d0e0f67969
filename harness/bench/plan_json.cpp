// A plan in provenance.json, and back: what an interrupted run is continued by.
#include "harness/bench/ablation_definition.hpp"
#include "harness/bench/control_entries.hpp"
#include "harness/bench/run_plan.hpp"
#include "harness/measure/host_facts.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

json cpu_json(std::optional<int> cpu) { return cpu ? json(*cpu) : json(nullptr); }

std::optional<int> cpu_at(const json& from, const char* key) {
  return from.at(key).is_null() ? std::nullopt : std::optional(from.at(key).get<int>());
}

Entry entry_from_json(const json& from, const std::string& engines_file) {
  Entry entry;
  entry.label = from.at("impl");
  entry.impl = impl_of(base_of(entry.label));
  entry.backend = from.at("backend");
  entry.locking = from.at("locking");
  entry.workers = from.at("workers");
  entry.ablation = ablation_of(base_of(entry.label));
  if (!entry.ablation.empty() && find_ablation(entry.ablation) == nullptr)
    throw std::runtime_error(fmt::format("this program has no ablation '{}'", entry.ablation));
  const auto known = known_impls({entry.impl}, engines_file);
  const auto impl = std::find_if(known.begin(), known.end(), [&](const Impl& one) { return one.name == entry.impl; });
  if (impl == known.end()) throw std::runtime_error(fmt::format("this program has no impl '{}'", entry.impl));
  if (!impl->unavailable.empty()) throw std::runtime_error(fmt::format("{} can't be started: {}", entry.impl, impl->unavailable));
  entry.external = impl->external;
  return entry;
}

Cell cell_from_json(const json& from) {
  Cell cell = {from.at("workload"), from.at("params").get<Params>()};
  if (!is_workload(cell.workload)) throw std::runtime_error(fmt::format("this program has no workload '{}'", cell.workload));
  return cell;
}

RunPlan parse(const json& from) {
  RunPlan plan;
  plan.tier = from.at("tier");
  plan.rounds = from.at("rounds");
  if (from.contains("precision")) plan.precision = from.at("precision").get<double>();
  plan.seed = from.at("seed");
  plan.times.warmup = std::chrono::milliseconds(from.at("warmup_ms").get<long>());
  plan.times.duration = std::chrono::milliseconds(from.at("duration_ms").get<long>());
  plan.server_cpu = cpu_at(from, "server_cpu");
  plan.load_cpu = cpu_at(from, "load_cpu");
  plan.engines_file = from.value("engines_file", "");
  for (const json& entry : from.at("entries")) plan.entries.push_back(entry_from_json(entry, plan.engines_file));
  for (const json& cell : from.at("cells")) {
    if (!cell.value("controls", true)) plan.uncontrolled.push_back(plan.cells.size());
    plan.cells.push_back(cell_from_json(cell));
  }
  plan.source = measure::source_folder();
  if (plan.entries.empty() || plan.cells.empty() || plan.rounds == 0) throw std::runtime_error("it plans nothing");
  return plan;
}

}  // namespace

json to_json(const RunPlan& plan) {
  json entries = json::array(), cells = json::array();
  for (const Entry& entry : plan.entries)
    entries.push_back({{"impl", entry.label}, {"backend", entry.backend}, {"locking", entry.locking}, {"workers", entry.workers}});
  for (const Cell& cell : plan.cells) cells.push_back({{"workload", cell.workload}, {"params", cell.params}});
  for (const std::size_t cell : plan.uncontrolled) cells[cell]["controls"] = false;
  json written = {{"tier", plan.tier},
                  {"rounds", plan.rounds},
                  {"seed", plan.seed},
                  {"warmup_ms", plan.times.warmup.count()},
                  {"duration_ms", plan.times.duration.count()},
                  {"server_cpu", cpu_json(plan.server_cpu)},
                  {"load_cpu", cpu_json(plan.load_cpu)},
                  {"entries", entries},
                  {"cells", cells}};
  if (!plan.engines_file.empty()) written["engines_file"] = plan.engines_file;
  if (plan.precision) written["precision"] = *plan.precision;
  return written;
}

RunPlan plan_from_json(const json& from) {
  try {
    return parse(from);
  } catch (const json::exception& error) {
    throw std::runtime_error(fmt::format("no plan that this program understands: {}", error.what()));
  }
}

}  // namespace reactorlab::bench
