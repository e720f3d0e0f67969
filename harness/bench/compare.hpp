#pragma once

#include "harness/bench/rows.hpp"
#include "harness/bench/stored_run.hpp"
#include "harness/measure/comparison.hpp"

#include <optional>
#include <string>
#include <vector>

namespace reactorlab::bench {

/// Which rows of B are compared, and with which of A.
struct CompareChoice {
  std::vector<std::string> engines = {};  ///< labels; empty: all but controls
  std::string vs = {};                    ///< the label in A; empty: the same as in B
  std::string workload = {};              ///< regular expression on the workload's name
};

/// One entry in one cell: its rounds in B, and those in A that they are compared with. Refers to the runs' samples.
struct Counterpart {
  Cell cell;
  std::string entry;
  RowSamples baseline;  ///< of A
  RowSamples values;    ///< of B
};

/// A cell's counterparts: the family of Holm's correction.
struct ComparedCell {
  Cell cell;
  std::vector<Counterpart> entries;
};

struct Pairing {
  std::vector<ComparedCell> cells;
  std::vector<std::string> unusable;  ///< what both have, but one has no sound sample of: entry, cell and reason
  std::vector<std::string> notes;     ///< what only one of them has
};

/// Throws UsageError for engines and workloads that aren't there. With the same run twice an entry isn't compared with itself.
[[nodiscard]] Pairing pair_up(const StoredRun& a, const StoredRun& b, const CompareChoice& choice);

/// B to A, by entry. `interleaved`: both are of one run, so rounds are pairs; else medians of independent rounds are compared.
/// Nothing for an entry where a side hasn't the figure, or no round has both.
[[nodiscard]] std::vector<std::optional<measure::Comparison>> compare(const ComparedCell& cell, const Figure& figure,
                                                                      bool interleaved);

/// What the cell is about: the metric of its workload.
[[nodiscard]] const Figure& cost_figure(const Cell& cell);

/// The entries that have a cost in several cells, each with the geometric mean of its ratios and how many they are.
struct EntryMean {
  std::string entry;
  std::size_t cells;
  measure::Ratio ratio;
};
[[nodiscard]] std::vector<EntryMean> geometric_means(const Pairing& pairing, bool interleaved);

}  // namespace reactorlab::bench
