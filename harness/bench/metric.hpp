#pragma once

#include "harness/bench/sample.hpp"
#include "harness/measure/statistics.hpp"

#include <optional>
#include <string_view>

namespace reactorlab::bench {

/// How a metric is called. All of them are costs: less is better.
struct MetricInfo {
  std::string_view name;         ///< in summary.json
  std::string_view unit;         ///< "ns" or "B", per operation
  std::string_view description;  ///< half a sentence, for `bench list`
};

[[nodiscard]] const MetricInfo& info_of(Metric metric);

/// The sample's cost of one operation. Nothing where it has none: it isn't sound, or this wasn't measured.
[[nodiscard]] std::optional<double> value_of(Metric metric, const Sample& sample);

/// "faster" and "slower" for times, "smaller" and "larger" for bytes; "equivalent", "inconclusive".
[[nodiscard]] std::string_view verdict_text(Metric metric, measure::Verdict verdict);

}  // namespace reactorlab::bench
