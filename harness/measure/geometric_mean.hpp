#pragma once

#include "harness/measure/bootstrap.hpp"

#include <optional>
#include <span>
#include <vector>

namespace reactorlab::measure {

/// What a workload cost in each round, of the value's run and of the baseline's; NaN where a round has no figure. Every workload
/// has the same rounds.
struct WorkloadRounds {
  std::vector<double> values;
  std::vector<double> baseline;
};

enum class Rounds {
  Paired,       ///< round by round in one run
  Independent,  ///< of two runs
};

/// The geometric mean of several workloads' ratios to the baseline, each with the same weight; a ratio is the median of the
/// paired rounds, or that of the medians. Its interval draws whole rounds, since the workloads of one round share its conditions.
/// Nothing where a workload has no ratio. Equal weights are a choice: the mean says nothing about any one workload.
[[nodiscard]] std::optional<Ratio> geometric_mean_ratio(std::span<const WorkloadRounds> workloads, Rounds rounds,
                                                        double confidence = 0.95, const BootstrapSettings& settings = {});

}  // namespace reactorlab::measure
