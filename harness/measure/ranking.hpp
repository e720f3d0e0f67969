#pragma once

#include "harness/measure/bootstrap.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace reactorlab::measure {

/// What a cell cost each entry in each round, and how much the cell counts. NaN where there is no figure; all positive, less is
/// better.
struct WeightedCell {
  double weight;
  std::vector<std::vector<double>> costs;  ///< by entry, then round; all of the same size
};

struct Ranked {
  std::size_t entry;
  std::size_t rank;  ///< 1 and how many are better than it beyond doubt
  bool tied;         ///< another one has this rank
  Ratio to_best;     ///< the weighted geometric mean of its ratios to the first of the list
};

struct Ranking {
  double confidence = 0.99;            ///< of each pair of entries, by itself
  double margin = kEquivalenceMargin;  ///< smaller differences are ties, however sure they are
  BootstrapSettings bootstrap = {};
};

/// The entries by rank, and within one by their weighted geometric mean over cells, the cheapest first. A cell's share is the
/// median over rounds of an entry's log-cost beside that of the entry in the middle; rounds in which one of them has no figure
/// count for nobody. One entry is better than another where the interval of their ratio, by a bootstrap over whole rounds, excludes
/// 1 and the ratio is beyond the margin; without an interval (below 8 rounds at 99 %) all are tied. Pairs are judged each by
/// itself: of many pairs at 99 % some are wrong. Empty where a cell has no round that all entries have. REQUIRES: cells of the same
/// entries and rounds, weights above 0.
[[nodiscard]] std::vector<Ranked> rank_by_mean(std::span<const WeightedCell> cells, const Ranking& ranking = {});

}  // namespace reactorlab::measure
