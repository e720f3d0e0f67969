#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace reactorlab::bench {

/// By name, so that workloads with other parameters need no other type.
using Params = std::map<std::string, std::uint64_t>;

/// What is measured once in every round for every entry.
struct Cell {
  std::string workload;
  Params params;

  bool operator==(const Cell&) const = default;
  auto operator<=>(const Cell&) const = default;
};

/// "tcp_echo: 64 conns, 16 KiB, pipeline 1".
[[nodiscard]] std::string describe(const Cell& cell);

struct Workload {
  std::string_view name;
  std::string_view summary;
  std::vector<Params> cells;  ///< all that the standard tier measures
};

[[nodiscard]] const std::vector<Workload>& workloads();

/// How much is measured, and how long. A smaller tier has fewer cells rather than fewer rounds.
struct Tier {
  std::string_view name;
  std::string_view summary;
  int rounds;
  std::chrono::milliseconds warmup;
  std::chrono::milliseconds duration;
  std::vector<Cell> cells;
};

[[nodiscard]] const std::vector<Tier>& tiers();

/// Throws UsageError with the known names.
[[nodiscard]] const Tier& find_tier(std::string_view name);

/// The parameters that the command line may choose instead of the tier; empty lists leave the choice to the tier.
struct CellFilter {
  std::string workload_regex = {};  ///< found anywhere in the workload's name
  std::vector<std::uint64_t> conns = {}, payload = {}, pipeline = {};
};

/// As soon as one of the parameters is given, all combinations are measured, with 64 connections, 64 B and pipeline 1
/// for those that aren't. Throws UsageError where nothing matches or a value is out of range.
[[nodiscard]] std::vector<Cell> choose_cells(const Tier& tier, const CellFilter& filter);

/// What the standard tier has and `cells` hasn't.
[[nodiscard]] std::vector<Cell> left_out(const std::vector<Cell>& cells);

}  // namespace reactorlab::bench
