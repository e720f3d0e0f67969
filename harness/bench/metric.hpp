#pragma once

#include "harness/bench/sample.hpp"
#include "harness/measure/statistics.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace reactorlab::bench {

/// How a metric is called. All of them are costs: less is better.
struct MetricInfo {
  std::string_view name;         ///< in summary.json
  std::string_view unit;         ///< "ns" or "B", per operation
  std::string_view description;  ///< half a sentence, for `bench list`
};

[[nodiscard]] const MetricInfo& info_of(Metric metric);

/// A figure of samples that can be compared.
struct Figure {
  std::string_view name;  ///< in summary.json
  measure::Direction direction;
  std::optional<double> (*value)(const Sample&);  ///< nothing where the sample has no such figure
};

/// server_cpu_ns_per_op, which may be called cpu_ns_per_op, the other metrics, ops_per_s, p50_ns to p999_ns.
[[nodiscard]] const std::vector<Figure>& figures();

/// REQUIRES: a name of figures(); throws std::out_of_range.
[[nodiscard]] const Figure& figure_named(std::string_view name);

/// The sample's cost of one operation. Nothing where it has none: it isn't sound, or this wasn't measured.
[[nodiscard]] std::optional<double> value_of(Metric metric, const Sample& sample);

/// "faster" and "slower" for times, "smaller" and "larger" for bytes; "equivalent", "inconclusive".
[[nodiscard]] std::string_view verdict_text(Metric metric, measure::Verdict verdict);

/// How a table's numbers are divided, so that the largest one is readable.
struct Scale {
  double divisor;
  std::string_view unit;
  int digits;
};

[[nodiscard]] Scale scale_of(Metric metric, double largest);

}  // namespace reactorlab::bench
