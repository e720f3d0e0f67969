#include "harness/bench/ablation_definition.hpp"
#include "harness/bench/control_entries.hpp"
#include "harness/bench/entry.hpp"
#include "harness/bench/progress.hpp"
#include "harness/bench/registry.hpp"
#include "harness/bench/sample.hpp"
#include "harness/bench/tier.hpp"
#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"
#include "harness/bench/workload_text.hpp"
#include "harness/measure/nearest_name.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

json json_of(const Impl& impl) {
  return {{"name", impl.name},
          {"kind", to_string(impl.kind)},
          {"summary", impl.info.summary},
          {"backends", impl.info.backends},
          {"lockings", impl.info.lockings},
          {"in_all", impl.external == nullptr && impl.info.in_all},
          {"max_workers", impl.info.max_workers == 0 ? json(nullptr) : json(impl.info.max_workers)}};
}

json json_of_external(const Impl& impl) {
  json engine = json_of(impl);
  engine["command"] = impl.external->command;
  engine["unavailable"] = impl.unavailable.empty() ? json(nullptr) : json(impl.unavailable);
  return engine;
}

json json_of(const Tier& tier) {
  json cells = json::array();
  for (const Cell& cell : tier.cells) cells.push_back({{"workload", cell.workload}, {"params", cell.params}});
  return {{"name", tier.name},
          {"summary", tier.summary},
          {"rounds", tier.rounds},
          {"warmup_ms", tier.times.warmup.count()},
          {"duration_ms", tier.times.duration.count()},
          {"cells", cells}};
}

json list_json(const std::vector<Impl>& engines) {
  json list = {{"schema", kSchema}};
  for (const char* kind : {"impls", "engines", "workloads", "ablations", "tiers"}) list[kind] = json::array();
  for (const Impl& impl : impls()) list["impls"].push_back(json_of(impl));
  for (const Impl& engine : engines) list["engines"].push_back(json_of_external(engine));
  for (const Workload& workload : workloads()) list["workloads"].push_back(json_of(workload));
  for (const AblationDefinition& ablation : ablations()) list["ablations"].push_back(json_of(ablation));
  for (const Tier& tier : tiers()) list["tiers"].push_back(json_of(tier));
  return list;
}

/// "backends epoll; locking coarse, fine", or nothing to choose.
std::string choices_of(const Impl& impl) {
  std::string text;
  if (!impl.info.backends.empty()) text = fmt::format("backend {}", fmt::join(impl.info.backends, ", "));
  if (!impl.info.lockings.empty())
    text += fmt::format("{}locking {}", text.empty() ? "" : "; ", fmt::join(impl.info.lockings, ", "));
  return text.empty() ? "" : fmt::format(" ({})", text);
}

void print_impls(bool in_all) {
  for (const Impl& impl : impls())
    if (impl.info.in_all == in_all)
      fmt::print("  {:<19} {:<8} {}{}\n", impl.name, to_string(impl.kind), impl.info.summary, choices_of(impl));
}

void print_engines(const std::vector<Impl>& engines) {
  if (engines.empty()) return;
  fmt::print("\nEngines of other languages (--impl; engines means all that can be started):\n");
  for (const Impl& engine : engines)
    fmt::print("  {:<28} {}{}\n", engine.name, engine.info.summary,
               engine.unavailable.empty() ? "" : fmt::format(" [not here: {}]", engine.unavailable));
}

/// Families in order, each with its workloads.
void print_workloads() {
  fmt::print("\nWorkloads (--workload), each with its unit and what an operation is; `bench list NAME` explains one:\n");
  const Workload* last = nullptr;
  for (const Workload& workload : workloads()) {
    if (last == nullptr || last->family != workload.family)
      fmt::print(" {}: {}\n", to_string(workload.family), meaning_of(workload.family));
    fmt::print("{}\n", line_about(workload));
    last = &workload;
  }
}

void print_ablations() {
  fmt::print("\nAblations (--ablate; all means those that vary an entry), homes with one design choice changed; `bench list NAME` explains one:\n");
  for (const AblationDefinition& ablation : ablations()) fmt::print("{}\n", line_about(ablation));
}

[[noreturn]] void refuse_unknown(const std::string& typed) {
  std::vector<std::string> names = workload_names();
  for (const AblationDefinition& ablation : ablations()) names.push_back(ablation.name);
  throw UsageError(measure::unknown_choice("workload or ablation", typed, names));
}

int explain(const ListOptions& options) {
  if (const AblationDefinition* const ablation = find_ablation(options.workload)) {
    fmt::print("{}", options.json ? json_of(*ablation).dump(1) + "\n" : text_about(*ablation));
    return kExitOk;
  }
  if (!is_workload(options.workload)) refuse_unknown(options.workload);
  const Workload& workload = workload_of(options.workload);
  fmt::print("{}", options.json ? json_of(workload).dump(1) + "\n" : text_about(workload));
  return kExitOk;
}

std::chrono::seconds time_of(const Tier& tier, const std::vector<Entry>& entries) {
  const auto controls = static_cast<long>(control_entries(entries).size());
  std::chrono::milliseconds round{};
  for (const Cell& cell : tier.cells) round += expected_time(cell, tier.times) * static_cast<long>(entries.size());
  for (const Cell& cell : tier.controlled) round += expected_time(cell, tier.times) * controls;
  return std::chrono::duration_cast<std::chrono::seconds>(round * tier.rounds);
}

}  // namespace

int list_verb(const ListOptions& options) {
  if (!options.workload.empty()) return explain(options);
  const auto engines = engine_impls(options.engines);
  if (options.json) {
    fmt::print("{}\n", list_json(engines).dump(1));
    return kExitOk;
  }
  fmt::print("Implementations (--impl; all means these):\n");
  print_impls(true);
  fmt::print("\nFurther peers, and peers in other shapes (--impl; everything means these, too):\n");
  print_impls(false);
  print_engines(engines);
  print_workloads();
  print_ablations();
  const std::vector<Entry> entries = choose_entries(impls(), {.impls = {"all"}}).entries;
  fmt::print("\nTiers (--tier), with the time for --impl=all:\n");
  for (const Tier& tier : tiers())
    fmt::print("  {:<19} {} ({} cells, {} rounds, about {})\n", tier.name, tier.summary, tier.cells.size(), tier.rounds,
               duration_text(time_of(tier, entries)));
  return kExitOk;
}

}  // namespace reactorlab::bench
