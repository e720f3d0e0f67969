#pragma once

#include "harness/bench/metric.hpp"
#include "harness/measure/statistics.hpp"

#include <string>

namespace reactorlab::bench {

/// What a comparison must not exceed: "cpu_ns_per_op<=1.03". Of a rate, where more is better: "ops_per_s>=0.97".
struct Gate {
  std::string text;
  const Figure* figure;
  double limit;
};

/// Throws UsageError for what is no gate, with what to write.
[[nodiscard]] Gate parse_gate(const std::string& text);

enum class GateResult { Pass, Regression, Inconclusive };

/// Pass: the whole interval keeps the limit. Regression: the whole interval breaks it. Else, and without an interval:
/// inconclusive. Each comparison by itself.
[[nodiscard]] GateResult result_of(const Gate& gate, const measure::Ratio& ratio);

}  // namespace reactorlab::bench
