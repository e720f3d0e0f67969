#pragma once

#include "harness/measure/bootstrap.hpp"
#include "harness/measure/statistics.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

/// Verdicts of comparisons that a reader sees together, as the entries of a table, all with the same baseline. Of many verdicts at
/// 95 % some are wrong; these are upheld by Holm's correction. So the probability that anything in the family is called different
/// that isn't is at most 5 %, and so is the probability that anything is called equivalent that is outside the margin.
namespace reactorlab::measure {

/// The p values of the two claims that a verdict may make, adjusted by Holm's correction over the family.
struct Significance {
  double different = 1;   ///< of "the ratio is 1"
  double equivalent = 1;  ///< of "the ratio is outside the margin"
  std::size_t family = 1;
};

/// What it would take to know more, where the verdict is inconclusive. Both hold for Holm's first step, alpha / family.
struct Outlook {
  std::optional<double> detectable;   ///< the ratio > 1 that so many rounds call different with 80 % probability; so its inverse
  std::optional<std::size_t> rounds;  ///< about so many make the interval 1 +- margin
};

struct Comparison {
  Ratio ratio{};
  Verdict verdict = Verdict::Inconclusive;
  Significance significance;
  Outlook outlook;
};

struct Judging {
  Direction direction = Direction::LowerIsFaster;
  double margin = kEquivalenceMargin;
  double confidence = 0.95;
};

/// The pairs of one comparison, a pair for each round.
using Pairs = std::vector<Pair>;

/// In the family's order; nothing for a comparison without a pair of positive numbers, which doesn't count as one of the family.
[[nodiscard]] std::vector<std::optional<Comparison>> compare_paired(std::span<const Pairs> family, const Judging& judging);

/// Rounds of two runs, which nothing pairs.
struct Independent {
  std::vector<double> values;
  std::vector<double> baseline;
};

/// As above, by the bootstrap: the ratio of the medians. Detectable ratio and rounds are by the normal approximation of its spread.
/// Whatever changed between the two runs is part of the ratio, and in no interval.
[[nodiscard]] std::vector<std::optional<Comparison>> compare_independent(std::span<const Independent> family,
                                                                         const Judging& judging,
                                                                         const BootstrapSettings& settings = {});

}  // namespace reactorlab::measure
