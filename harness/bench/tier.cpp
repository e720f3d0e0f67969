#include "harness/bench/tier.hpp"

#include "harness/bench/usage.hpp"
#include "harness/measure/nearest_name.hpp"

#include <algorithm>
#include <regex>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using namespace std::chrono_literals;
using Axes = std::vector<std::pair<std::string, std::vector<std::uint64_t>>>;

constexpr std::uint64_t kMaxConns = 1'000'000;
constexpr std::uint64_t kMaxPayload = 16 * 1024 * 1024;
constexpr std::uint64_t kMaxPipeline = 1024;
/// A process has some open files besides its connections.
constexpr std::uint64_t kOtherDescriptors = 64;
/// Parameters that count connections.
constexpr const char* kConnections[] = {"idle", "conns"};

Cell echo(std::uint64_t conns, std::uint64_t payload, std::uint64_t pipeline) {
  return {"tcp_echo", {{"conns", conns}, {"payload", payload}, {"pipeline", pipeline}}};
}

Cell first_cell_of(std::string_view workload) { return {std::string(workload), workload_of(workload).cells.front()}; }

std::vector<Cell> all_cells() {
  std::vector<Cell> cells;
  for (const Workload& workload : workloads())
    for (const Params& params : workload.cells) cells.push_back({std::string(workload.name), params});
  return cells;
}

std::vector<Cell> smoke_cells() {
  std::vector<Cell> cells = {
      echo(64, 64, 1), echo(64, 16384, 16), first_cell_of("accept_churn"), {"idle_memory", {{"conns", 500}}}};
  for (const char* name : {"spawn_join", "timer_insert_cancel", "cross_thread_wake"}) cells.push_back(first_cell_of(name));
  return cells;
}

std::vector<Cell> quick_cells() {
  std::vector<Cell> cells = {echo(1, 64, 1), echo(64, 64, 1), echo(1024, 64, 1), echo(64, 16384, 1)};
  for (const char* name : {"accept_churn", "idle_memory", "spawn_join", "await_chain", "timer_insert_cancel", "cross_thread_wake"})
    cells.push_back(first_cell_of(name));
  return cells;
}

/// Of every family at least one: what controls say of a cell holds for its like, and everywhere they'd take a third of the time.
std::vector<Cell> controlled_cells() {
  std::vector<Cell> cells = quick_cells();
  for (const char* name : {"cpu_mix", "reg_churn", "park_wake_self"}) cells.push_back(first_cell_of(name));
  return cells;
}

void check_range(std::string_view flag, const std::vector<std::uint64_t>& values, std::uint64_t max) {
  for (const auto value : values)
    if (value == 0 || value > max) throw UsageError(fmt::format("{}={} is out of range: 1 to {} is possible", flag, value, max));
}

std::regex compile(const std::string& text) {
  try {
    return std::regex(text);
  } catch (const std::regex_error& error) {
    throw UsageError(fmt::format("--workload='{}' is no regular expression: {}", text, error.what()));
  }
}

Axes given_axes(const CellFilter& filter) {
  Axes given;
  if (!filter.pipeline.empty()) given.emplace_back("pipeline", filter.pipeline);
  if (!filter.payload.empty()) given.emplace_back("payload", filter.payload);
  if (!filter.conns.empty()) given.emplace_back("conns", filter.conns);
  return given;
}

/// Throws for a regular expression that matches nothing of the tier, with what to do.
void require_match(const Tier& tier, const std::regex& wanted, const std::string& text) {
  const auto matches = [&](std::string_view name) { return std::regex_search(name.begin(), name.end(), wanted); };
  if (std::any_of(tier.cells.begin(), tier.cells.end(), [&](const Cell& cell) { return matches(cell.workload); })) return;
  std::vector<std::string> names;
  for (const Workload& workload : workloads()) {
    if (matches(workload.name))
      throw UsageError(fmt::format("the tier {} has no {}: add --tier=standard", tier.name, workload.name));
    names.emplace_back(workload.name);
  }
  throw UsageError(measure::unknown_choice("workload", text, names));
}

/// Instead of the tier's cells of this workload; none where it hasn't all the parameters.
std::vector<Cell> combinations(const Workload& workload, const Axes& given) {
  for (const auto& axis : given)
    if (!workload.usual.contains(axis.first)) return {};
  std::vector<Cell> cells;
  for (const Params& chosen : product(given)) {
    Params params = chosen;
    params.insert(workload.usual.begin(), workload.usual.end());  // keeps what was chosen
    cells.push_back({std::string(workload.name), std::move(params)});
  }
  return cells;
}

}  // namespace

const std::vector<Tier>& tiers() {
  static const std::vector<Tier> all = {
      {"smoke", "does everything work? Too few rounds for a verdict", 2, {50ms, 150ms}, smoke_cells()},
      {"quick", "a first answer within 5 minutes: the cells that differ most", 9, {75ms, 200ms}, quick_cells()},
      {"standard", "all cells: what is published", 15, {80ms, 200ms}, all_cells(), controlled_cells()}};
  return all;
}

const Tier& find_tier(std::string_view name) {
  std::vector<std::string> names;
  for (const Tier& tier : tiers()) {
    if (tier.name == name) return tier;
    names.emplace_back(tier.name);
  }
  throw UsageError(measure::unknown_choice("tier", name, names));
}

std::vector<Cell> choose_cells(const Tier& tier, const CellFilter& filter) {
  check_range("--conns", filter.conns, kMaxConns);
  check_range("--payload", filter.payload, kMaxPayload);
  check_range("--pipeline", filter.pipeline, kMaxPipeline);
  const std::regex wanted = compile(filter.workload_regex);
  require_match(tier, wanted, filter.workload_regex);
  std::vector<Cell> cells = tier.cells;
  std::erase_if(cells, [&](const Cell& cell) { return !std::regex_search(cell.workload, wanted); });
  const Axes given = given_axes(filter);
  if (given.empty()) return cells;

  std::vector<Cell> chosen;
  for (const Workload& workload : workloads()) {
    if (std::none_of(cells.begin(), cells.end(), [&](const Cell& cell) { return cell.workload == workload.name; })) continue;
    const auto own = combinations(workload, given);
    chosen.insert(chosen.end(), own.begin(), own.end());
  }
  if (chosen.empty())
    throw UsageError("no workload that was chosen has all these parameters: leave out --conns, --payload or --pipeline");
  return chosen;
}

std::vector<Cell> left_out(const std::vector<Cell>& cells) {
  std::vector<Cell> rest = all_cells();
  std::erase_if(rest, [&](const Cell& cell) { return std::find(cells.begin(), cells.end(), cell) != cells.end(); });
  return rest;
}

std::uint64_t connections_of(const Cell& cell) {
  std::uint64_t all = 0;
  for (const char* const name : kConnections)
    if (const auto found = cell.params.find(name); found != cell.params.end()) all += found->second;
  return all;
}

void fit_to_descriptors(std::vector<Cell>& cells, std::uint64_t descriptors, std::vector<std::string>& notes) {
  for (Cell& cell : cells) {
    const std::uint64_t wanted = connections_of(cell) + kOtherDescriptors;
    const bool idles = workload_of(cell.workload).family == Family::Scale;
    if (!idles || wanted <= descriptors) continue;
    std::uint64_t& adjustable = cell.params.contains("idle") ? cell.params["idle"] : cell.params["conns"];
    if (adjustable <= wanted - descriptors) continue;  // nothing would be left: refused later
    const std::uint64_t fitting = adjustable - (wanted - descriptors);
    notes.push_back(
        fmt::format("{} with {} idle connections instead of {}: the limit of open files is {} (raise it as root: ulimit -Hn {})",
                    cell.workload, fitting, adjustable, descriptors, wanted));
    adjustable = fitting;
  }
}

std::chrono::milliseconds expected_time(const Cell& cell, const SampleTimes& times) {
  constexpr auto kNoiseGate = 2ms;
  constexpr auto kStartAndStop = 60ms + kNoiseGate;
  constexpr auto kInProcess = 180ms + kNoiseGate;  // over all entries, of which four in ten have no form of such a workload
  constexpr std::uint64_t kConnectionsPerMs = 25;
  if (workload_of(cell.workload).in_process) return kInProcess;
  const std::chrono::milliseconds opening{connections_of(cell) / kConnectionsPerMs};
  return kStartAndStop + opening + (cell.workload == "idle_memory" ? 0ms : times.warmup + times.duration);
}

}  // namespace reactorlab::bench
