#include "harness/bench/workload.hpp"

#include "harness/bench/usage.hpp"
#include "harness/measure/nearest_name.hpp"

#include <algorithm>
#include <regex>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMaxConns = 1'000'000;
constexpr std::uint64_t kMaxPayload = 16 * 1024 * 1024;
constexpr std::uint64_t kMaxPipeline = 1024;

Params echo_params(std::uint64_t conns, std::uint64_t payload, std::uint64_t pipeline) {
  return {{"conns", conns}, {"payload", payload}, {"pipeline", pipeline}};
}

std::vector<Params> product(const std::vector<std::uint64_t>& conns, const std::vector<std::uint64_t>& payloads,
                            const std::vector<std::uint64_t>& pipelines) {
  std::vector<Params> all;
  for (const auto pipeline : pipelines)
    for (const auto payload : payloads)
      for (const auto conn : conns) all.push_back(echo_params(conn, payload, pipeline));
  return all;
}

std::vector<Cell> echo_cells(const std::vector<Params>& params) {
  std::vector<Cell> cells;
  for (const Params& one : params) cells.push_back({"tcp_echo", one});
  return cells;
}

std::string size_text(std::uint64_t bytes) {
  return bytes >= 1024 && bytes % 1024 == 0 ? fmt::format("{} KiB", bytes / 1024) : fmt::format("{} B", bytes);
}

void check_range(std::string_view flag, const std::vector<std::uint64_t>& values, std::uint64_t max) {
  for (const auto value : values)
    if (value == 0 || value > max)
      throw UsageError(fmt::format("{}={} is out of range: 1 to {} is possible", flag, value, max));
}

std::regex compile(const std::string& text) {
  try {
    return std::regex(text);
  } catch (const std::regex_error& error) {
    throw UsageError(fmt::format("--workload='{}' is no regular expression: {}", text, error.what()));
  }
}

bool any_given(const CellFilter& filter) {
  return !filter.conns.empty() || !filter.payload.empty() || !filter.pipeline.empty();
}

std::vector<std::uint64_t> or_default(const std::vector<std::uint64_t>& given, std::uint64_t value) {
  return given.empty() ? std::vector{value} : given;
}

}  // namespace

std::string describe(const Cell& cell) {
  std::string text = cell.workload + ":";
  const char* separator = " ";
  for (const auto& [name, value] : cell.params) {
    if (name == "conns")
      text += fmt::format("{}{} conn{}", separator, value, value == 1 ? "" : "s");
    else if (name == "payload")
      text += separator + size_text(value);
    else
      text += fmt::format("{}{} {}", separator, name, value);
    separator = ", ";
  }
  return text;
}

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> all = {
      {"tcp_echo", "closed-loop TCP echo over loopback, every byte checked: receive, wake, send",
       product({1, 64, 1024}, {64, 16384}, {1, 16})}};
  return all;
}

const std::vector<Tier>& tiers() {
  static const std::vector<Tier> all = {
      {"smoke", "does everything work? Too few rounds for a verdict", 2, 50ms, 150ms,
       echo_cells({echo_params(64, 64, 1), echo_params(64, 16384, 16)})},
      {"quick", "a first answer within 5 minutes: the five cells that differ most, 9 rounds", 9, 200ms, 500ms,
       echo_cells({echo_params(1, 64, 1), echo_params(64, 64, 1), echo_params(1024, 64, 1), echo_params(64, 64, 16),
                   echo_params(64, 16384, 1)})},
      {"standard", "all cells, 15 rounds: what is published", 15, 200ms, 500ms, echo_cells(workloads().front().cells)}};
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
  std::vector<Cell> cells = tier.cells;
  if (any_given(filter))
    cells = echo_cells(
        product(or_default(filter.conns, 64), or_default(filter.payload, 64), or_default(filter.pipeline, 1)));
  const std::regex wanted = compile(filter.workload_regex);
  std::erase_if(cells, [&](const Cell& cell) { return !std::regex_search(cell.workload, wanted); });
  if (!cells.empty()) return cells;
  std::vector<std::string> names;
  for (const Workload& workload : workloads()) names.emplace_back(workload.name);
  throw UsageError(measure::unknown_choice("workload", filter.workload_regex, names));
}

std::vector<Cell> left_out(const std::vector<Cell>& cells) {
  std::vector<Cell> rest;
  for (const Cell& cell : find_tier("standard").cells)
    if (std::find(cells.begin(), cells.end(), cell) == cells.end()) rest.push_back(cell);
  return rest;
}

}  // namespace reactorlab::bench
