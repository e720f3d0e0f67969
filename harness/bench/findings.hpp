#pragma once

#include "harness/bench/control_report.hpp"
#include "harness/bench/noise_gate.hpp"
#include "harness/bench/run_plan.hpp"
#include "harness/bench/sample.hpp"
#include "harness/bench/summary.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace reactorlab::bench {

/// What a run says in the end.
struct Findings {
  NoiseReport noise;
  std::vector<SummaryRow> rows;
  ControlReport controls;
};

/// By this program's gates and statistics.
[[nodiscard]] Findings find_out(std::vector<Sample> samples, double confidence);

/// summary.json; `provenance`: the run's digest.
[[nodiscard]] nlohmann::json summary_json(const RunPlan& plan, const Findings& findings, bool partial,
                                          const std::string& provenance);

/// Runs scripts/plot of that repository, where it exists. Its failure doesn't spoil anything.
void draw_charts(const std::filesystem::path& source, const std::filesystem::path& results);

}  // namespace reactorlab::bench
