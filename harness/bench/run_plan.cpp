#include "harness/bench/run_plan.hpp"

#include "harness/bench/ablated_entries.hpp"
#include "harness/bench/control_entries.hpp"
#include "harness/bench/engine_facts.hpp"
#include "harness/bench/sample.hpp"
#include "harness/bench/usage.hpp"
#include "harness/measure/host_facts.hpp"
#include "harness/measure/process_cpu.hpp"
#include "harness/measure/process_memory.hpp"
#include "harness/measure/process_setup.hpp"

#include <algorithm>
#include <random>
#include <string_view>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

/// results/20261121T223000Z-quick
std::filesystem::path default_folder(const std::filesystem::path& source, std::string_view tier) {
  std::string date = measure::utc_now();
  std::erase_if(date, [](char c) { return c == '-' || c == ':'; });
  return (source.empty() ? std::filesystem::current_path() : source) / "results" / fmt::format("{}-{}", date, tier);
}

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 21U) % 1'000'000'007;  // short enough to type again
}

/// Each side of the largest cell needs a descriptor for every connection, and a few more.
void require_descriptors(const std::vector<Cell>& cells) {
  std::uint64_t most = 0;
  for (const Cell& cell : cells) most = std::max(most, connections_of(cell));
  if (most > 0) measure::require_descriptors(most + 64, fmt::format("a cell of {} connections", most));
}

std::vector<std::size_t> uncontrolled_cells(const Tier& tier) {
  std::vector<std::size_t> cells;
  for (std::size_t i = 0; i < tier.cells.size(); ++i)
    if (std::find(tier.controlled.begin(), tier.controlled.end(), tier.cells[i]) == tier.controlled.end()) cells.push_back(i);
  return cells;
}

json sources() {
  return {
      {"server_cpu_ns", measure::kProcessCpuSource},
      {"latency", "CLOCK_MONOTONIC at the load generator, from a message's admission (a connection's connect) to its last byte"},
      {"user_bytes", measure::kUserMemorySource},
      {"counts",
       "per operation: a server's own counters, over its whole life; those of a workload inside the process, and context switches "
       "and run delay (/proc/PID/task/*/status, schedstat), in the window"}};
}

}  // namespace

std::vector<std::size_t> entries_in(const RunPlan& plan, std::size_t cell) {
  const bool controlled = !std::binary_search(plan.uncontrolled.begin(), plan.uncontrolled.end(), cell);
  std::vector<std::size_t> entries;
  for (std::size_t i = 0; i < plan.entries.size(); ++i)
    if (controlled || !is_control(plan.entries[i].label)) entries.push_back(i);
  return entries;
}

std::string cpu_text(std::optional<int> cpu) { return cpu ? fmt::format("CPU {}", *cpu) : "any CPU"; }

RunPlan make_plan(const RunOptions& options, std::vector<std::string>& notes) {
  const Tier& tier = find_tier(options.tier);
  const auto known = known_impls(options.impls, options.engines);
  EntryChoice choice = choose_entries(
      known, {.impls = options.impls, .backend = options.backend, .locking = options.locking, .workers = options.workers});
  notes = std::move(choice.notes);
  RunPlan plan;
  plan.entries = with_ablations(choice.entries, options.ablate);
  if ((!tier.controlled.empty() || options.controls) && !options.no_controls)
    for (Entry& control : control_entries(plan.entries)) plan.entries.push_back(std::move(control));
  plan.cells = choose_cells(tier, {options.workload, options.conns, options.payload, options.pipeline});
  if (!options.controls && plan.cells == tier.cells) plan.uncontrolled = uncontrolled_cells(tier);
  fit_to_descriptors(plan.cells, measure::raise_descriptor_limit(), notes);
  if (!options.engines.empty()) plan.engines_file = std::filesystem::absolute(options.engines).lexically_normal().string();
  plan.tier = tier.name;
  constexpr int kMostByPrecision = 56;
  plan.rounds = static_cast<std::size_t>(options.rounds.value_or(options.precision ? kMostByPrecision : tier.rounds));
  if (options.precision) plan.precision = *options.precision / 100;
  plan.seed = options.seed ? *options.seed : random_seed();
  plan.times = tier.times;
  if (const auto cpus = measure::allowed_cpus(); !cpus.empty()) {
    plan.server_cpu = cpus.front();
    plan.load_cpu = cpus.size() > 1 ? cpus[1] : cpus.front();
  }
  plan.source = measure::source_folder();
  plan.out = options.out.empty() ? default_folder(plan.source, tier.name) : std::filesystem::path(options.out);
  require_descriptors(plan.cells);
  return plan;
}

json provenance_of(const RunPlan& plan, const RunOptions& options) {
  json provenance = {{"schema", kSchema}, {"machine", measure::machine_facts()}, {"build", measure::build_facts()}};
  if (json engines = engine_facts(plan.entries); !engines.empty()) provenance["engines"] = std::move(engines);
  const std::string digest = measure::digest_of(provenance);
  const json written = to_json(plan);
  std::vector<std::string> command = {"bench"};
  command.insert(command.end(), options.command_line.begin(), options.command_line.end());
  provenance.update({{"digest", digest},
                     {"command_line", command},
                     {"plan", written},
                     {"tier", plan.tier},
                     {"seed", plan.seed},
                     {"order",
                      "cyclic Latin square over entries, a new seeded permutation for each cell and block of rounds; "
                      "each sample carries its round and position"},
                     {"entries", written.at("entries")},
                     {"warmup_ms", plan.times.warmup.count()},
                     {"duration_ms", plan.times.duration.count()},
                     {"server_cpu", cpu_text(plan.server_cpu)},
                     {"load_cpu", cpu_text(plan.load_cpu)},
                     {"sources", sources()},
                     {"noise_at_start", measure::noise_facts()},
                     {"started_at", measure::utc_now()}});
  return provenance;
}

void add_end(json& provenance) {
  provenance["noise_at_end"] = measure::noise_facts();
  provenance["finished_at"] = measure::utc_now();
}

}  // namespace reactorlab::bench
