#include "harness/bench/compare.hpp"

#include "harness/bench/control_entries.hpp"
#include "harness/bench/usage.hpp"
#include "harness/measure/geometric_mean.hpp"
#include "harness/measure/nearest_name.hpp"

#include <algorithm>
#include <limits>
#include <regex>
#include <set>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using Names = std::set<std::string>;

std::vector<std::string> list_of(const Names& names) { return {names.begin(), names.end()}; }

Names entries_of(const StoredRun& run) {
  Names names;
  for (const Sample& sample : run.samples) names.insert(sample.impl);
  return names;
}

void require_entry(const std::string& name, const StoredRun& run) {
  const Names known = entries_of(run);
  if (!known.contains(name))
    throw UsageError(fmt::format("{}: {}", run.path.string(), measure::unknown_choice("engine", name, list_of(known))));
}

std::regex compile(const std::string& text, const StoredRun& run) {
  try {
    const std::regex wanted(text);
    Names names;
    for (const Sample& sample : run.samples) names.insert(sample.cell.workload);
    if (std::none_of(names.begin(), names.end(), [&](const std::string& name) { return std::regex_search(name, wanted); }))
      throw UsageError(fmt::format("{}: {}", run.path.string(), measure::unknown_choice("workload", text, list_of(names))));
    return wanted;
  } catch (const std::regex_error& error) {
    throw UsageError(fmt::format("--workload='{}' is no regular expression: {}", text, error.what()));
  }
}

bool has_sound_sample(const RowSamples& row) {
  return std::any_of(row.begin(), row.end(), [](const Sample* sample) { return sample->sound(); });
}

bool not_applicable(const RowSamples& row) {
  return std::all_of(row.begin(), row.end(), [](const Sample* sample) { return !sample->applicable(); });
}

/// Rows of B, one after the other, with what they are compared with.
class Pairer {
 public:
  Pairer(const StoredRun& a, const StoredRun& b, const CompareChoice& choice)
      : a_(a), b_(b), choice_(choice), wanted_(compile(choice.workload, b)), rows_of_a_(rows_of(a.samples)) {}

  Pairing result() {
    for (const Sample* row : rows_of(b_.samples))
      if (chosen(*row)) take(*row);
    for (ComparedCell& cell : pairing_.cells)
      std::sort(cell.entries.begin(), cell.entries.end(), [](const auto& x, const auto& y) { return x.entry < y.entry; });
    note(only_in_b_, "B");
    note(unpaired_in_a(), "A");
    return std::move(pairing_);
  }

 private:
  [[nodiscard]] bool chosen(const Sample& row) const {
    const bool named = std::find(choice_.engines.begin(), choice_.engines.end(), row.impl) != choice_.engines.end();
    const bool engine = named || (choice_.engines.empty() && !is_control(row.impl));
    return engine && std::regex_search(row.cell.workload, wanted_) && !(&a_ == &b_ && row.impl == counterpart_of(row));
  }

  [[nodiscard]] const std::string& counterpart_of(const Sample& row) const { return choice_.vs.empty() ? row.impl : choice_.vs; }

  /// The row of A; of several backends the same one where it is there.
  [[nodiscard]] const Sample* baseline_of(const Sample& row) const {
    const Sample* found = nullptr;
    for (const Sample* other : rows_of_a_) {
      if (other->cell != row.cell || other->impl != counterpart_of(row) || other->workers != row.workers) continue;
      if (found == nullptr || other->backend == row.backend) found = other;
    }
    return found;
  }

  void take(const Sample& row) {
    const Sample* baseline = baseline_of(row);
    if (baseline == nullptr || !is_workload(row.cell.workload)) {
      only_in_b_.insert(fmt::format("{} in {}", row.impl, describe(row.cell)));
      return;
    }
    used_.insert(baseline);
    const Counterpart pair{row.cell, row.impl, of_row(a_.samples, *baseline), of_row(b_.samples, row)};
    const bool lacks_a = not_applicable(pair.baseline), lacks_b = not_applicable(pair.values);
    if (lacks_a || lacks_b) {
      if (!lacks_a) only_in_a_.insert(fmt::format("{} in {}", row.impl, describe(row.cell)));
      if (!lacks_b) only_in_b_.insert(fmt::format("{} in {}", row.impl, describe(row.cell)));
      return;
    }
    const bool sound_a = has_sound_sample(pair.baseline), sound_b = has_sound_sample(pair.values);
    if (sound_a && sound_b) return add(pair);
    const RowSamples& bad = sound_a ? pair.values : pair.baseline;
    const auto reason = std::find_if(bad.begin(), bad.end(), [](const Sample* sample) { return sample->is_void(); });
    pairing_.unusable.push_back(fmt::format(
        "{} in {}: every sample of {} is {}", row.impl, describe(row.cell), sound_a ? "B" : "A",
        reason == bad.end() ? "of a round that was excluded as noisy" : fmt::format("void ({})", (*reason)->void_reason)));
  }

  void add(const Counterpart& pair) {
    auto cell = std::find_if(pairing_.cells.begin(), pairing_.cells.end(), [&](const auto& one) { return one.cell == pair.cell; });
    if (cell == pairing_.cells.end()) cell = pairing_.cells.insert(cell, {pair.cell, {}});
    cell->entries.push_back(pair);
  }

  Names unpaired_in_a() {
    for (const Sample* row : rows_of_a_)
      if (!used_.contains(row) && choice_.vs.empty() && chosen(*row))
        only_in_a_.insert(fmt::format("{} in {}", row->impl, describe(row->cell)));
    return only_in_a_;
  }

  void note(const Names& names, const char* side) {
    if (names.empty()) return;
    const std::string rest = names.size() == 1 ? "" : fmt::format(", and {} more", names.size() - 1);
    pairing_.notes.push_back(fmt::format("only {} has {}{}", side, *names.begin(), rest));
  }

  const StoredRun& a_;
  const StoredRun& b_;
  const CompareChoice& choice_;
  const std::regex wanted_;
  const RowSamples rows_of_a_;
  std::set<const Sample*> used_;
  Names only_in_a_, only_in_b_;
  Pairing pairing_;
};

std::vector<double> values_of(const RowSamples& samples, const Figure& figure) {
  std::vector<double> values;
  for (const auto& [round, value] : by_round(samples, figure)) values.push_back(value);
  return values;
}

/// By round, NaN where there is none.
std::vector<double> padded(const RowSamples& samples, const Figure& figure, std::size_t rounds) {
  std::vector<double> values(rounds, std::numeric_limits<double>::quiet_NaN());
  for (const auto& [round, value] : by_round(samples, figure)) values[round] = value;
  return values;
}

std::size_t rounds_of(const std::vector<const Counterpart*>& pairs, RowSamples Counterpart::*side) {
  std::size_t rounds = 0;
  for (const Counterpart* pair : pairs)
    for (const Sample* sample : pair->*side) rounds = std::max(rounds, sample->round + 1);
  return rounds;
}

std::optional<measure::Ratio> mean_of(const std::vector<const Counterpart*>& pairs, bool interleaved) {
  const std::size_t rounds_a = rounds_of(pairs, &Counterpart::baseline), rounds_b = rounds_of(pairs, &Counterpart::values);
  std::vector<measure::WorkloadRounds> workloads;
  for (const Counterpart* pair : pairs) {
    const Figure& figure = cost_figure(pair->cell);
    workloads.push_back({padded(pair->values, figure, interleaved ? std::max(rounds_a, rounds_b) : rounds_b),
                         padded(pair->baseline, figure, interleaved ? std::max(rounds_a, rounds_b) : rounds_a)});
  }
  return measure::geometric_mean_ratio(workloads, interleaved ? measure::Rounds::Paired : measure::Rounds::Independent);
}

}  // namespace

Pairing pair_up(const StoredRun& a, const StoredRun& b, const CompareChoice& choice) {
  for (const std::string& engine : choice.engines) require_entry(engine, b);
  if (!choice.vs.empty()) require_entry(choice.vs, a);
  return Pairer(a, b, choice).result();
}

std::vector<std::optional<measure::Comparison>> compare(const ComparedCell& cell, const Figure& figure, bool interleaved) {
  const measure::Judging judging{.direction = figure.direction};
  if (interleaved) {
    std::vector<measure::Pairs> family;
    for (const Counterpart& pair : cell.entries) family.push_back(paired_rounds(pair.values, pair.baseline, figure));
    return measure::compare_paired(family, judging);
  }
  std::vector<measure::Independent> family;
  for (const Counterpart& pair : cell.entries) family.push_back({values_of(pair.values, figure), values_of(pair.baseline, figure)});
  return measure::compare_independent(family, judging);
}

const Figure& cost_figure(const Cell& cell) { return figure_named(info_of(workload_of(cell.workload).metric).name); }

std::vector<EntryMean> geometric_means(const Pairing& pairing, bool interleaved) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const Counterpart*>> by_entry;
  for (const ComparedCell& cell : pairing.cells)
    for (const Counterpart& pair : cell.entries) {
      if (!by_entry.contains(pair.entry)) order.push_back(pair.entry);
      by_entry[pair.entry].push_back(&pair);
    }
  std::vector<EntryMean> means;
  for (const std::string& entry : order) {
    const auto& pairs = by_entry[entry];
    if (pairs.size() < 2) continue;
    if (const auto ratio = mean_of(pairs, interleaved)) means.push_back({entry, pairs.size(), *ratio});
  }
  return means;
}

}  // namespace reactorlab::bench
