// The controls for readers: a section of the table, and a part of summary.json.
#include "harness/bench/comparison_text.hpp"
#include "harness/bench/control_entries.hpp"
#include "harness/bench/control_report.hpp"
#include "harness/bench/json_optional.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using nlohmann::json;
using Rows = std::vector<ControlRow>;

std::size_t count(const Rows& rows, ControlOutcome outcome) {
  return static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [&](const ControlRow& row) { return row.outcome == outcome; }));
}

std::string detectable_text(const ControlRow& row) {
  if (row.outcome == ControlOutcome::NoFigures) return "";
  if (!row.detectable) return "too few rounds to find anything";
  return fmt::format("detectable +{:.1f} %", (*row.detectable - 1) * 100);
}

std::string line_of(const ControlRow& row) {
  std::string text = fmt::format("    {:<44}  {:<24}  ", describe(row.cell), row.label);
  if (!row.ratio || row.outcome == ControlOutcome::NoFigures) return text + fmt::format("n/a ({})\n", row.note);
  text += fmt::format("{:<22}  {:<12}  {}", ratio_text(*row.ratio), to_string(row.outcome), detectable_text(row));
  if (row.injected)
    text += fmt::format("; injected {:.1f} %, {}", *row.injected * 100,
                        row.found_on_counts ? fmt::format("counted: {:.4g} iterations", *row.counted) : "NOT in the counts");
  return text + "\n";
}

std::string lines_of(const Rows& rows) {
  std::string text;
  for (const ControlRow& row : rows) text += line_of(row);
  return text;
}

std::string equality_text(std::string_view what, const Rows& rows) {
  const std::size_t differ = count(rows, ControlOutcome::Differs);
  return fmt::format("  {}: {} of {} pairs came out different, {} equivalent, {} inconclusive\n{}", what,
                     differ == 0 ? "none" : std::to_string(differ), rows.size() - count(rows, ControlOutcome::NoFigures),
                     count(rows, ControlOutcome::Equivalent), count(rows, ControlOutcome::Inconclusive), lines_of(rows));
}

/// Those that inject the same share.
std::vector<std::pair<double, Rows>> by_share(const Rows& rows) {
  std::vector<std::pair<double, Rows>> groups;
  for (const ControlRow& row : rows) {
    const double share = injected_share(row.label).value_or(0);
    auto own = std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group.first == share; });
    if (own == groups.end()) own = groups.insert(own, {share, {}});
    own->second.push_back(row);
  }
  return groups;
}

std::string positive_text(double share, const Rows& rows) {
  const auto on_counts = std::count_if(rows.begin(), rows.end(), [](const ControlRow& row) { return row.found_on_counts; });
  return fmt::format(
      "  Positive, +{:.0f} % of work in each operation: found in {} cells, missed in {}, too small to be found in {}; "
      "on the counts found in {} of {}\n{}",
      share * 100, count(rows, ControlOutcome::Found), count(rows, ControlOutcome::Missed),
      count(rows, ControlOutcome::Undetectable), on_counts, rows.size() - count(rows, ControlOutcome::NoFigures), lines_of(rows));
}

json rows_json(const Rows& rows) {
  json all = json::array();
  for (const ControlRow& row : rows) {
    json one = {{"workload", row.cell.workload},
                {"params", row.cell.params},
                {"impl", row.label},
                {"baseline", row.baseline},
                {"outcome", to_string(row.outcome)},
                {"p_different", row.p_different},
                {"detectable", or_null(row.detectable)},
                {"ratio", nullptr}};
    if (!row.note.empty()) one["note"] = row.note;
    if (row.ratio)
      one["ratio"] = {{"value", row.ratio->value},
                      {"rounds", row.ratio->rounds},
                      {"low", row.ratio->interval ? json(row.ratio->interval->low) : json(nullptr)},
                      {"high", row.ratio->interval ? json(row.ratio->interval->high) : json(nullptr)}};
    if (row.injected)
      one.update({{"injected", *row.injected},
                  {"spin_asked", or_null(row.asked)},
                  {"spin_counted", or_null(row.counted)},
                  {"found_on_counts", row.found_on_counts}});
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

json to_json(const ControlReport& report) {
  return {{"same", rows_json(report.same)},
          {"positive", rows_json(report.positive)},
          {"negative", rows_json(report.negative)},
          {"suspicions", report.suspicions}};
}

std::string text_of(const ControlReport& report) {
  std::string text = "\nControls\n";
  if (report.same.empty() && report.positive.empty())
    text += "  None of this run: --controls adds them (the standard tier has them in some cells)\n";
  if (!report.same.empty()) text += equality_text("A/A, the same program under two names", report.same);
  for (const auto& [share, rows] : by_share(report.positive)) text += positive_text(share, rows);
  if (!report.negative.empty()) text += equality_text("Negative, nothing of the home in the path", report.negative);
  for (const std::string& suspicion : report.suspicions) text += fmt::format("  SUSPECT: {}\n", suspicion);
  return text;
}

}  // namespace reactorlab::bench
