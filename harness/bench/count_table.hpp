#pragma once

#include "harness/bench/sample.hpp"
#include "harness/bench/workload.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace reactorlab::bench {

/// A count per operation, of several repetitions. The same in all of them: it is deterministic as far as was seen.
struct CountRange {
  double median, low, high;
  [[nodiscard]] bool same() const { return high - low < 5e-4; }
};

/// Counts by name; nothing where it wasn't or couldn't be counted, which isn't 0.
using CountRanges = std::map<std::string, std::optional<CountRange>>;

/// What was counted of one entry in one cell.
struct CountColumn {
  std::string entry;
  CountRanges counts;
  std::map<std::string, std::string> reasons = {};  ///< why a count isn't there, by its name
  std::string not_counted = {};                     ///< why nothing is; else empty
};

struct CountTable {
  Cell cell;
  std::vector<CountColumn> columns;
};

/// Whole numbers of one run.
using Totals = std::map<std::string, std::uint64_t>;

/// What `operations` more cost, each: of runs with n and with n + operations of them, so that beginning and end cancel out. Only
/// what both counted.
[[nodiscard]] std::map<std::string, double> per_operation(const Totals& fewer, const Totals& more, std::uint64_t operations);

/// Of repetitions; a name that is missing in one of them is missing.
[[nodiscard]] CountRanges ranges_of(const std::vector<std::map<std::string, double>>& repetitions);

/// What a run's samples hold, over their rounds.
[[nodiscard]] std::vector<CountTable> stored_counts(const std::vector<Sample>& samples);

/// A row for each count that isn't 0 for everybody, a column for each entry; "~" before what differed between repetitions, and
/// every n/a with its reason.
[[nodiscard]] std::string text_of(const CountTable& table);

[[nodiscard]] nlohmann::json to_json(const CountTable& table);

}  // namespace reactorlab::bench
