#pragma once

#include "harness/bench/verbs.hpp"
#include "harness/load/ladder.hpp"
#include "harness/load/open_load.hpp"
#include "harness/load/validity.hpp"
#include "harness/measure/histogram.hpp"

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

/// What `bench load` says about an open loop.
namespace reactorlab::bench {

/// In us with one decimal; "n/a" for a percentile with too few values beyond it.
[[nodiscard]] std::string microseconds(const measure::Histogram& histogram, double fraction);

/// "NAME us: p50 ...  max ..."
[[nodiscard]] std::string percentiles_line(std::string_view name, const measure::Histogram& histogram);

/// p50_ns to max_ns; null for a percentile with too few values beyond it.
[[nodiscard]] nlohmann::json percentiles_json(const measure::Histogram& histogram);

[[nodiscard]] std::string open_text(const LoadVerbOptions& options, double rate, const load::OpenLoadResult& result);
[[nodiscard]] nlohmann::json open_json(const LoadVerbOptions& options, double rate, const load::OpenLoadResult& result);

/// A ladder's table, line by line: above it, a step, and what it comes to.
[[nodiscard]] std::string ladder_heading(const LoadVerbOptions& options);
[[nodiscard]] std::string ladder_row(const load::OpenLoadResult& result);
[[nodiscard]] std::string knee_text(std::span<const load::Step> steps);

[[nodiscard]] load::Step step_of(const load::OpenLoadResult& result);

}  // namespace reactorlab::bench
