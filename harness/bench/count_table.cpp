#include "harness/bench/count_table.hpp"

#include "harness/bench/rows.hpp"
#include "harness/measure/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

constexpr double kPrintedAsZero = 5e-4;

CountRange range_of(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return {measure::median(values), *low, *high};
}

/// What has to be shown: counts that aren't printed as 0 for everybody, those that somebody hasn't, and the system calls in any
/// case.
std::set<std::string> names_to_show(const CountTable& table) {
  std::set<std::string> names;
  for (const CountColumn& column : table.columns) {
    for (const auto& [name, range] : column.counts)
      if (!range || std::abs(range->median) >= kPrintedAsZero || name == "syscalls") names.insert(name);
    for (const auto& [name, reason] : column.reasons) names.insert(name);
  }
  return names;
}

std::string figure(const CountColumn& column, const std::string& name) {
  const auto found = column.counts.find(name);
  if (found == column.counts.end() || !found->second) return "n/a";
  const CountRange& range = *found->second;
  const double shown = std::abs(range.median) < kPrintedAsZero ? 0 : range.median;  // no -0.000
  const std::string number = std::abs(shown) < 1000 ? fmt::format("{:.3f}", shown) : fmt::format("{:.1f}", shown);
  return range.same() ? number : "~" + number;
}

std::string reasons_text(const CountTable& table) {
  std::map<std::string, std::vector<std::string>> who;  // by what is missing and why
  for (const CountColumn& column : table.columns) {
    for (const auto& [name, reason] : column.reasons) who[fmt::format("{}: {}", name, reason)].push_back(column.entry);
    if (!column.not_counted.empty()) who["everything: " + column.not_counted].push_back(column.entry);
  }
  std::string text;
  for (const auto& [what, entries] : who) {
    const bool all = entries.size() == table.columns.size() && entries.size() > 1;
    text += fmt::format("  n/a: {}{}\n", what, all ? "" : fmt::format(" ({})", fmt::join(entries, ", ")));
  }
  return text;
}

}  // namespace

std::map<std::string, double> per_operation(const Totals& fewer, const Totals& more, std::uint64_t operations) {
  std::map<std::string, double> each;
  for (const auto& [name, total] : more)
    if (const auto found = fewer.find(name); found != fewer.end())
      each[name] = (static_cast<double>(total) - static_cast<double>(found->second)) / static_cast<double>(operations);
  return each;
}

CountRanges ranges_of(const std::vector<std::map<std::string, double>>& repetitions) {
  CountRanges ranges;
  if (repetitions.empty()) return ranges;
  for (const auto& [name, first] : repetitions.front()) {
    std::vector<double> values;
    for (const auto& repetition : repetitions)
      if (const auto found = repetition.find(name); found != repetition.end()) values.push_back(found->second);
    if (values.size() == repetitions.size()) ranges[name] = range_of(values);
  }
  return ranges;
}

std::vector<CountTable> stored_counts(const std::vector<Sample>& samples) {
  std::vector<CountTable> tables;
  for (const Sample* row : rows_of(samples)) {
    auto table = std::find_if(tables.begin(), tables.end(), [&](const CountTable& one) { return one.cell == row->cell; });
    if (table == tables.end()) table = tables.insert(table, {row->cell, {}});
    CountColumn column{.entry = row->impl, .counts = {}};
    std::map<std::string, std::vector<double>> values;
    for (const Sample* sample : of_row(samples, *row)) {
      if (!sample->applicable()) column.not_counted = sample->not_applicable;
      for (const auto& [name, count] : sample->counts) {
        column.counts[name];  // known, if only as n/a
        if (count && sample->sound()) values[name].push_back(*count);
      }
    }
    for (const auto& [name, all] : values) column.counts[name] = range_of(all);
    for (const auto& [name, range] : column.counts)
      if (!range)
        column.reasons[name] =
            "a timed run doesn't count it: `bench counts` without a folder and scripts/counts do, in runs of their own";
    if (column.counts.empty() && column.not_counted.empty()) column.not_counted = "every sample is void";
    table->columns.push_back(std::move(column));
  }
  return tables;
}

std::string text_of(const CountTable& table) {
  const auto names = names_to_show(table);
  std::size_t width = 9;
  for (const std::string& name : names) width = std::max(width, name.size());
  const std::string& workload = table.cell.workload;
  const std::string operation = is_workload(workload) ? workload_of(workload).operation : "operation";
  std::string text = fmt::format("\n{}, per {}\n  {:<{}}", describe(table.cell), operation, "", width);
  for (const CountColumn& column : table.columns) text += fmt::format("  {:>9}", column.entry);
  text += "\n";
  for (const std::string& name : names) {
    text += fmt::format("  {:<{}}", name, width);
    for (const CountColumn& column : table.columns)
      text += fmt::format("  {:>{}}", figure(column, name), std::max<std::size_t>(9, column.entry.size()));
    text += "\n";
  }
  return text + reasons_text(table);
}

json to_json(const CountTable& table) {
  json columns = json::array();
  for (const CountColumn& column : table.columns) {
    json counts = json::object();
    for (const auto& [name, range] : column.counts)
      counts[name] = range ? json{{"value", range->median}, {"low", range->low}, {"high", range->high}} : json(nullptr);
    columns.push_back({{"impl", column.entry},
                       {"counts", counts},
                       {"reasons", column.reasons},
                       {"not_counted", column.not_counted.empty() ? json(nullptr) : json(column.not_counted)}});
  }
  return {{"workload", table.cell.workload}, {"params", table.cell.params}, {"entries", columns}};
}

}  // namespace reactorlab::bench
