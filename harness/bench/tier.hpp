#pragma once

#include "harness/bench/workload.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reactorlab::bench {

/// How long a sample with a server takes: before the window, and in it.
struct SampleTimes {
  std::chrono::milliseconds warmup{};
  std::chrono::milliseconds duration{};
};

/// How much is measured, and how long. A smaller tier has fewer cells rather than fewer rounds.
struct Tier {
  std::string_view name;
  std::string_view summary;
  int rounds;
  SampleTimes times;
  std::vector<Cell> cells;
  std::vector<Cell> controlled = {};  ///< those of its cells that have controls, too (control_entries.hpp)
};

[[nodiscard]] const std::vector<Tier>& tiers();

/// Throws UsageError with the known names.
[[nodiscard]] const Tier& find_tier(std::string_view name);

/// The parameters that the command line may choose instead of the tier; empty lists leave the choice to the tier.
struct CellFilter {
  std::string workload_regex = {};  ///< found anywhere in the workload's name
  std::vector<std::uint64_t> conns = {}, payload = {}, pipeline = {};
};

/// The tier's cells of the workloads that match. As soon as a parameter is given, only workloads that have all the
/// given ones are measured, in all combinations, with their usual values for the others. Throws UsageError where
/// nothing matches or a value is out of range.
[[nodiscard]] std::vector<Cell> choose_cells(const Tier& tier, const CellFilter& filter);

/// What the standard tier has and `cells` hasn't.
[[nodiscard]] std::vector<Cell> left_out(const std::vector<Cell>& cells);

/// How many connections there are at once.
[[nodiscard]] std::uint64_t connections_of(const Cell& cell);

/// Lowers the idle connections to what `descriptors` allow, and says so: what they cost hardly depends on their number.
/// Workloads of other families are left alone.
void fit_to_descriptors(std::vector<Cell>& cells, std::uint64_t descriptors, std::vector<std::string>& notes);

/// About what one sample takes on the development machine, start and stop of its process included: the mean over the entries of `all`.
[[nodiscard]] std::chrono::milliseconds expected_time(const Cell& cell, const SampleTimes& times);

}  // namespace reactorlab::bench
