#include "harness/bench/control_report.hpp"

#include "harness/bench/compare.hpp"
#include "harness/bench/control_entries.hpp"
#include "harness/bench/entry.hpp"
#include "harness/bench/rows.hpp"
#include "harness/measure/comparison.hpp"
#include "harness/measure/holm.hpp"
#include "harness/measure/power.hpp"
#include "harness/measure/signs.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

constexpr double kAlpha = 0.05;
/// What isn't found although it is detectable is a finding then, and hardly ever chance.
constexpr double kPower = 0.95;
constexpr double kMargin = measure::kEquivalenceMargin;

using measure::Verdict;

/// A control beside the rounds that it is judged by.
struct Judged {
  ControlRow row;
  measure::Pairs pairs;
};

bool has_figures(const RowSamples& row) {
  return std::any_of(row.begin(), row.end(), [](const Sample* sample) { return sample->sound(); });
}

std::string why_no_figures(const RowSamples& row) {
  if (row.empty()) return "it isn't in this run";
  if (!row.front()->applicable()) return row.front()->not_applicable;
  const bool excluded = std::any_of(row.begin(), row.end(), [](const Sample* sample) { return sample->excluded; });
  return excluded ? "every round with it was excluded as noisy" : "every sample is void: " + row.front()->void_reason;
}

/// The row of `label` that is configured as `like`.
RowSamples row_named(const std::vector<Sample>& samples, const Sample& like, const std::string& label) {
  Sample identity = like;
  identity.impl = label;
  return of_row(samples, identity);
}

std::vector<double> logs_of(const Judged& one) { return measure::log_ratios(one.pairs); }

std::optional<double> detectable(const Judged& one, double alpha, double margin) {
  const auto logs = logs_of(one);
  if (logs.empty()) return std::nullopt;
  return measure::detectable_ratio(measure::Scatter(logs), logs.size(), {.alpha = alpha, .margin = margin}, kPower);
}

bool is_difference(const measure::Ratio& ratio) {
  const Verdict verdict = measure::verdict_of(ratio, measure::Direction::LowerIsFaster, kMargin);
  return verdict == Verdict::Faster || verdict == Verdict::Slower;
}

Judged pair_up(const RowSamples& own, const RowSamples& base, const std::string& baseline) {
  const Sample& control = *own.front();
  Judged one;
  one.row.cell = control.cell;
  one.row.label = control.impl;
  one.row.baseline = baseline;
  one.pairs = paired_rounds(own, base, cost_figure(control.cell));
  one.row.ratio = measure::paired_ratio(one.pairs);
  if (!one.row.ratio) one.row.note = has_figures(own) ? baseline + ": " + why_no_figures(base) : why_no_figures(own);
  return one;
}

/// A control of `samples` with what it is made of.
Judged with_its_base(const std::vector<Sample>& samples, const Sample& control) {
  const std::string baseline = base_of(control.impl);
  return pair_up(of_row(samples, control), row_named(samples, control, baseline), baseline);
}

/// Ratios and the claim of equivalence, corrected over the pairs of a cell. What isn't that is inconclusive so far.
void judge_equivalence(std::vector<Judged*>& cell) {
  std::vector<measure::Pairs> family;
  for (const Judged* one : cell) family.push_back(one->pairs);
  const auto comparisons = measure::compare_paired(family, {.direction = measure::Direction::LowerIsFaster, .margin = kMargin});
  for (std::size_t i = 0; i < cell.size(); ++i) {
    if (!comparisons[i]) continue;
    cell[i]->row.p_different = comparisons[i]->significance.different;
    cell[i]->row.outcome =
        comparisons[i]->verdict == Verdict::Equivalent ? ControlOutcome::Equivalent : ControlOutcome::Inconclusive;
  }
}

void judge_equivalences(std::vector<Judged>& all) {
  std::map<Cell, std::vector<Judged*>> cells;
  for (Judged& one : all) cells[one.row.cell].push_back(&one);
  for (auto& [cell, family] : cells) judge_equivalence(family);
}

std::vector<double> p_values(const std::vector<Judged>& all) {
  std::vector<double> p;
  for (const Judged& one : all)
    if (one.row.ratio) p.push_back(measure::p_of_median(logs_of(one), 0));
  return p;
}

/// Differences, corrected over all of these.
void judge_differences(std::vector<Judged>& all) {
  const auto adjusted = measure::holm_adjusted(p_values(all));
  std::size_t next = 0;
  for (Judged& one : all) {
    if (!one.row.ratio) continue;
    one.row.p_different = adjusted[next++];
    one.row.detectable = detectable(one, kAlpha / static_cast<double>(adjusted.size()), 0);
    if (is_difference(*one.row.ratio) && one.row.p_different <= kAlpha) one.row.outcome = ControlOutcome::Differs;
  }
}

/// How many entries the table of a cell compares with its baseline.
std::size_t contenders_in(const std::vector<Sample>& samples, const Cell& cell) {
  std::size_t entries = 0;
  for (const Sample* row : rows_of(samples))
    if (row->cell == cell && !is_control(row->impl) && has_figures(of_row(samples, *row))) ++entries;
  return std::max<std::size_t>(entries, 2) - 1;
}

double median_of(const RowSamples& row, const Figure& figure) {
  std::vector<double> values;
  for (const auto& [round, value] : by_round(row, figure)) values.push_back(value);
  return measure::median(std::move(values));
}

/// A count of a row for an operation; nothing where it has none.
std::optional<double> counted(const RowSamples& row, const std::string& name) {
  std::vector<double> values;
  for (const Sample* sample : row)
    if (const auto found = sample->counts.find(name); sample->sound() && found != sample->counts.end() && found->second)
      values.push_back(*found->second);
  return values.empty() ? std::nullopt : std::optional(measure::median(std::move(values)));
}

std::optional<double> counted_spin(const RowSamples& row) { return counted(row, "spin_iterations"); }

/// What may have paid for the work: a server that is kept busy asks for events less often when its operations become dearer, and
/// gets more at once.
std::string turns_saved(const RowSamples& own, const RowSamples& base) {
  const auto now = counted(own, "turns"), before = counted(base, "turns");
  constexpr double kClearlyFewer = 0.9;
  if (!now || !before || *now > kClearlyFewer * *before) return "";
  return fmt::format("its loop took {:.2g} turns for an operation instead of {:.2g}", *now, *before);
}

/// Counts are exact but for what a session's rounding leaves.
bool agrees(double counted, double asked) { return std::abs(counted - asked) <= std::max(0.01 * asked, 1e-6); }

void judge_positive(Judged& one, const std::vector<Sample>& samples, const Sample& control) {
  ControlRow& row = one.row;
  if (!row.ratio) return;
  const RowSamples own = of_row(samples, control), base = row_named(samples, control, row.baseline);
  const auto with_spin = std::find_if(own.begin(), own.end(), [](const Sample* s) { return s->sound() && s->spin; });
  row.counted = counted_spin(own);
  if (with_spin == own.end() || !row.counted || *row.counted == 0) {
    row.note = "this workload's server injects nothing";
    return;
  }
  row.asked = (*with_spin)->spin->iterations;
  row.injected = (*with_spin)->spin->ns / median_of(base, cost_figure(row.cell));
  row.found_on_counts = agrees(*row.counted, *row.asked) && counted_spin(base).value_or(0) == 0;
  const double alpha = kAlpha / static_cast<double>(contenders_in(samples, row.cell));
  row.p_different = measure::p_of_median(logs_of(one), 0);
  row.detectable = detectable(one, alpha, kMargin);
  const bool dearer =
      measure::verdict_of(*row.ratio, measure::Direction::LowerIsFaster, kMargin) == Verdict::Slower && row.p_different <= alpha;
  if (dearer)
    row.outcome = ControlOutcome::Found;
  else
    row.outcome = row.detectable && *row.detectable <= 1 + *row.injected ? ControlOutcome::Missed : ControlOutcome::Undetectable;
  if (row.outcome == ControlOutcome::Missed) row.note = turns_saved(own, base);
}

std::vector<ControlRow> rows_in(std::vector<Judged> all) {
  std::vector<ControlRow> rows;
  for (Judged& one : all) rows.push_back(std::move(one.row));
  return rows;
}

std::vector<ControlRow> same_controls(const std::vector<Sample>& samples) {
  std::vector<Judged> all;
  for (const Sample* row : rows_of(samples))
    if (is_control(row->impl) && !injected_share(row->impl)) all.push_back(with_its_base(samples, *row));
  judge_equivalences(all);
  judge_differences(all);
  return rows_in(std::move(all));
}

std::vector<ControlRow> positive_controls(const std::vector<Sample>& samples) {
  std::vector<Judged> all;
  for (const Sample* row : rows_of(samples)) {
    if (!injected_share(row->impl)) continue;
    all.push_back(with_its_base(samples, *row));
    judge_positive(all.back(), samples, *row);
  }
  return rows_in(std::move(all));
}

std::vector<ControlRow> negative_controls(const std::vector<Sample>& samples) {
  std::vector<Judged> all;
  std::map<Cell, const Sample*> first_home;
  const auto is_a_home = [](const Sample& row) { return !is_control(row.impl) && is_home(impl_of(row.impl)); };
  const auto rows = rows_of(samples);
  for (const Sample* row : rows)
    if (row->cell.workload == kNegativeControl && is_a_home(*row) &&
        (row->impl == "thread_local" || !first_home.contains(row->cell)))
      first_home[row->cell] = row;
  for (const Sample* row : rows) {
    const auto base = first_home.find(row->cell);
    if (base == first_home.end() || base->second == row || !is_a_home(*row)) continue;
    all.push_back(pair_up(of_row(samples, *row), of_row(samples, *base->second), base->second->impl));
  }
  judge_equivalences(all);
  judge_differences(all);
  return rows_in(std::move(all));
}

/// The run could have told that they are equivalent, and didn't.
bool open_although_precise(const ControlRow& row) {
  return row.outcome == ControlOutcome::Inconclusive && row.detectable && *row.detectable <= 1 + kMargin;
}

void suspect(ControlReport& report) {
  const auto add = [&](const ControlRow& row, std::string_view why) {
    report.suspicions.push_back(fmt::format("{} in {} {}", row.label, describe(row.cell), why));
  };
  for (const ControlRow& row : report.same) {
    if (row.outcome == ControlOutcome::Differs) add(row, fmt::format("differs from {}, which is the same program", row.baseline));
    if (open_although_precise(row)) add(row, "is inconclusive, although this run is precise enough there to call it equivalent");
  }
  for (const ControlRow& row : report.positive) {
    if (row.outcome == ControlOutcome::Missed)
      add(row, fmt::format("wasn't found, although this run is precise enough there{}{}", row.note.empty() ? "" : "; ", row.note));
    if (row.injected && !row.found_on_counts) add(row, "isn't in the counts");
  }
  for (const ControlRow& row : report.negative) {
    if (row.outcome == ControlOutcome::Differs)
      add(row, fmt::format("differs from {}, although neither reactor nor executor is in the path", row.baseline));
    if (open_although_precise(row)) add(row, "is inconclusive, although this run is precise enough there to call it equivalent");
  }
}

}  // namespace

std::string_view to_string(ControlOutcome outcome) {
  switch (outcome) {
    case ControlOutcome::NoFigures: return "n/a";
    case ControlOutcome::Equivalent: return "equivalent";
    case ControlOutcome::Inconclusive: return "inconclusive";
    case ControlOutcome::Differs: return "DIFFERS";
    case ControlOutcome::Found: return "found";
    case ControlOutcome::Undetectable: return "not found";
    case ControlOutcome::Missed: return "MISSED";
  }
  return "";
}

ControlReport judge_controls(const std::vector<Sample>& samples) {
  ControlReport report{.same = same_controls(samples),
                       .positive = positive_controls(samples),
                       .negative = negative_controls(samples),
                       .suspicions = {}};
  suspect(report);
  return report;
}

}  // namespace reactorlab::bench
