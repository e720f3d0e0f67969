#pragma once

#include "harness/bench/sample.hpp"
#include "harness/measure/statistics.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

/// Whether a run found what is known to be there, and nothing else. Pure functions of its samples, of which those of noisy rounds
/// are marked already.
namespace reactorlab::bench {

enum class ControlOutcome {
  NoFigures,     ///< the control or its base has none in this cell: `note` says why
  Equivalent,    ///< of things that are equal
  Inconclusive,  ///< the run couldn't tell
  Differs,       ///< things that are equal came out different
  Found,         ///< what was injected
  Undetectable,  ///< not found, and smaller than what this cell could find
  Missed,        ///< not found, although this cell should have
};

[[nodiscard]] std::string_view to_string(ControlOutcome outcome);

/// A control in one cell, on the cost that the workload is about.
struct ControlRow {
  Cell cell;
  std::string label;
  std::string baseline;
  ControlOutcome outcome = ControlOutcome::NoFigures;
  std::optional<measure::Ratio> ratio;  ///< of the control to its baseline
  double p_different = 1;               ///< after the correction that applies
  std::optional<double> detectable;     ///< the ratio > 1 that so many rounds find with 95 % probability
  std::string note;

  // Of positive controls.
  std::optional<double> injected;        ///< share of what the baseline's operation cost in this run
  std::optional<double> asked, counted;  ///< iterations for each operation: to do, and done by the server's own count
  bool found_on_counts = false;
};

struct ControlReport {
  std::vector<ControlRow> same;  ///< A/A
  std::vector<ControlRow> positive;
  std::vector<ControlRow> negative;     ///< homes in a workload without reactor and executor
  std::vector<std::string> suspicions;  ///< why the run shouldn't be believed; empty: nothing speaks against it
};

/// A difference is corrected over all A/A pairs of the run, since it speaks against the run; an equivalence over those of its
/// cell, as any entry's. A positive control is found if the table of its cell would have shown it: by Holm's first step there.
[[nodiscard]] ControlReport judge_controls(const std::vector<Sample>& samples);

/// The workload whose operations are the same instructions in every home.
inline constexpr std::string_view kNegativeControl = "await_chain";

[[nodiscard]] nlohmann::json to_json(const ControlReport& report);

/// The section "Controls" for a terminal.
[[nodiscard]] std::string text_of(const ControlReport& report);

}  // namespace reactorlab::bench
