#pragma once

#include "harness/bench/cost_model.hpp"

#include <optional>
#include <string>

namespace reactorlab::bench {

/// A prediction beside what was measured of both sides, A and B.
struct Explanation {
  std::string cell;
  std::string metric;
  std::array<std::string, 2> entries;
  Prediction prediction;
  std::array<double, 2> measured_ns;  ///< medians over rounds
  MeasuredDifference difference;
  bool judged;  ///< the primitives are of the machine that was measured
};

/// Nothing: there is no term that both sides have, or it isn't judged.
[[nodiscard]] std::optional<Explained> verdict_of(const Explanation& one);

/// Each term, the sums, the residuals, the verdict; and what is n/a, with the reason.
[[nodiscard]] std::string text_of(const Explanation& one);

}  // namespace reactorlab::bench
