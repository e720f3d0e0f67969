#include "harness/bench/rank.hpp"

#include "harness/bench/comparison_text.hpp"
#include "harness/bench/control_entries.hpp"
#include "harness/bench/rows.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <optional>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

/// A cell of the run that a term asks for.
struct Asked {
  Cell cell;
  const Figure* figure;
  double weight;
  std::string text;
};

/// An entry of the run: the label alone may stand for several backends in one file.
struct Contender {
  std::string name;
  std::vector<const Sample*> rows;  ///< the first of each
};

bool same_configuration(const Sample& a, const Sample& b) {
  return a.impl == b.impl && a.backend == b.backend && a.locking == b.locking && a.workers == b.workers;
}

std::vector<Contender> contenders_of(const std::vector<Sample>& samples, const std::vector<std::string>& wanted) {
  std::vector<Contender> all;
  for (const Sample* row : rows_of(samples)) {
    const bool named = std::find(wanted.begin(), wanted.end(), row->impl) != wanted.end();
    if (!named && (!wanted.empty() || is_control(row->impl))) continue;
    auto found =
        std::find_if(all.begin(), all.end(), [&](const Contender& one) { return same_configuration(*one.rows.front(), *row); });
    if (found == all.end()) found = all.insert(found, {row->impl, {}});
    found->rows.push_back(row);
  }
  const auto named_alike = [&](const std::string& name) {
    return std::count_if(all.begin(), all.end(), [&](const Contender& one) { return one.rows.front()->impl == name; }) > 1;
  };
  for (Contender& one : all)
    if (named_alike(one.rows.front()->impl))
      one.name = fmt::format("{} ({}, {} workers)", one.rows.front()->impl, one.rows.front()->backend, one.rows.front()->workers);
  std::sort(all.begin(), all.end(), [](const Contender& a, const Contender& b) { return a.name < b.name; });
  return all;
}

std::vector<Cell> cells_of(const std::vector<Sample>& samples) {
  std::vector<Cell> cells;
  for (const Sample& sample : samples)
    if (std::find(cells.begin(), cells.end(), sample.cell) == cells.end()) cells.push_back(sample.cell);
  return cells;
}

/// Ranks one profile.
class Ranker {
 public:
  Ranker(const std::vector<Sample>& samples, const Profile& profile, const RankChoice& choice)
      : samples_(samples), choice_(choice), contenders_(contenders_of(samples, choice.entries)) {
    table_.profile = profile;
    for (const Sample& sample : samples) rounds_ = std::max(rounds_, sample.round + 1);
    for (const ProfileTerm& term : profile.terms) total_ += term.weight;
  }

  RankTable result() {
    for (const ProfileTerm& term : table_.profile.terms) ask(term);
    if (choice_.intersection)
      drop_cells();
    else
      drop_contenders();
    rank_rest();
    return std::move(table_);
  }

 private:
  [[nodiscard]] double share(double weight) const { return weight / total_; }

  void ask(const ProfileTerm& term) {
    std::vector<Cell> cells = cells_of(samples_);
    std::erase_if(cells,
                  [&](const Cell& cell) { return !term.matches(cell) || (term.figure == nullptr && !is_workload(cell.workload)); });
    if (cells.empty())
      table_.missing.push_back(
          fmt::format("{} ({:.0f} % of the weight): not in this run", describe(term), 100 * share(term.weight)));
    for (const Cell& cell : cells) {
      const Figure& figure = term.figure != nullptr ? *term.figure : figure_named(info_of(workload_of(cell.workload).metric).name);
      asked_.push_back(
          {cell, &figure, term.weight / static_cast<double>(cells.size()), fmt::format("{} ({})", describe(cell), figure.name)});
    }
  }

  /// By round, NaN where there is none; of a rate the time, since less has to be better.
  [[nodiscard]] std::vector<double> costs(const Contender& contender, const Asked& asked) const {
    std::vector<double> values(rounds_, std::numeric_limits<double>::quiet_NaN());
    if (const Sample* row = row_in(contender, asked.cell))
      for (const auto& [round, value] : by_round(of_row(samples_, *row), *asked.figure))
        if (value > 0) values[round] = asked.figure->direction == measure::Direction::LowerIsFaster ? value : 1 / value;
    return values;
  }

  [[nodiscard]] static const Sample* row_in(const Contender& contender, const Cell& cell) {
    const auto found =
        std::find_if(contender.rows.begin(), contender.rows.end(), [&](const Sample* row) { return row->cell == cell; });
    return found == contender.rows.end() ? nullptr : *found;
  }

  /// Why the contender can't be ranked by that cell; nothing where it can.
  [[nodiscard]] std::optional<std::string> lack(const Contender& contender, const Asked& asked) const {
    const Sample* row = row_in(contender, asked.cell);
    if (row == nullptr) return "not measured";
    const std::vector<double> values = costs(contender, asked);
    if (std::any_of(values.begin(), values.end(), [](double value) { return value > 0; })) return std::nullopt;
    for (const Sample* sample : of_row(samples_, *row)) {
      if (!sample->applicable()) return "not applicable: " + sample->not_applicable;
      if (sample->is_void()) return "void: " + sample->void_reason;
      if (sample->excluded) return "its rounds were excluded as noisy";
    }
    return "it has no such figure";
  }

  void drop_contenders() {
    // What nobody has is the run's lack and not the contenders'.
    drop_if([&](const Asked& asked) { return std::all_of(contenders_.begin(), contenders_.end(), lacks(asked)); }, "nobody has it");
    std::erase_if(contenders_, [&](const Contender& contender) {
      for (const Asked& asked : asked_)
        if (const auto reason = lack(contender, asked)) {
          table_.unranked.push_back(fmt::format("{} lacks {}: {}", contender.name, asked.text, *reason));
          return true;
        }
      return false;
    });
  }

  void drop_cells() {
    drop_if([&](const Asked& asked) { return std::any_of(contenders_.begin(), contenders_.end(), lacks(asked)); },
            "somebody lacks it");
  }

  [[nodiscard]] std::function<bool(const Contender&)> lacks(const Asked& asked) const {
    return [this, &asked](const Contender& contender) { return lack(contender, asked).has_value(); };
  }

  template <class Condition>
  void drop_if(Condition condition, const char* reason) {
    std::erase_if(asked_, [&](const Asked& asked) {
      if (!condition(asked)) return false;
      table_.missing.push_back(fmt::format("{} ({:.0f} % of the weight): {}", asked.text, 100 * share(asked.weight), reason));
      return true;
    });
  }

  void rank_rest() {
    std::vector<measure::WeightedCell> cells;
    for (const Asked& asked : asked_) {
      measure::WeightedCell& cell = cells.emplace_back(measure::WeightedCell{asked.weight, {}});
      for (const Contender& contender : contenders_) cell.costs.push_back(costs(contender, asked));
      table_.covered += share(asked.weight);
    }
    table_.cells = cells.size();
    for (const measure::Ranked& place : measure::rank_by_mean(cells))
      table_.entries.push_back({contenders_[place.entry].name, place});
    if (table_.entries.empty() && !cells.empty() && !contenders_.empty())
      table_.missing.emplace_back("no round has a figure of everybody in every cell: nobody can be ranked");
  }

  const std::vector<Sample>& samples_;
  const RankChoice& choice_;
  std::vector<Contender> contenders_;
  std::vector<Asked> asked_;
  std::size_t rounds_ = 0;
  double total_ = 0;
  RankTable table_;
};

}  // namespace

RankTable rank(const std::vector<Sample>& samples, const Profile& profile, const RankChoice& choice) {
  return Ranker(samples, profile, choice).result();
}

std::string text_of(const RankTable& table) {
  std::string text = fmt::format("\n{}: {}\n", table.profile.name, table.profile.summary);
  std::size_t width = 5;
  for (const RankedEntry& one : table.entries) width = std::max(width, one.entry.size());
  if (!table.entries.empty()) {
    text += fmt::format("  {:<4}  {:<{}}  {}\n", "rank", "entry", width, "cost, to the best [99 %]");
    for (const RankedEntry& one : table.entries)
      text += fmt::format("  {:<4}  {:<{}}  {}\n", fmt::format("{}{}", one.place.rank, one.place.tied ? "=" : ""), one.entry, width,
                          ratio_text(one.place.to_best));
    text += fmt::format("  over {} cell{}, {:.0f} % of the profile's weight, {} rounds\n", table.cells, table.cells == 1 ? "" : "s",
                        100 * table.covered, table.entries.front().place.to_best.rounds);
    if (table.entries.size() > 1 && !table.entries.back().place.to_best.interval)
      text += "  too few rounds for an interval (8 at 99 %): everybody is tied\n";
  } else {
    text += "  nobody can be ranked\n";
  }
  for (const std::string& one : table.missing) text += fmt::format("  missing: {}\n", one);
  for (const std::string& one : table.unranked) text += fmt::format("  not ranked: {}\n", one);
  return text;
}

json to_json(const RankTable& table) {
  json entries = json::array();
  for (const RankedEntry& one : table.entries) {
    const auto& interval = one.place.to_best.interval;
    entries.push_back({{"impl", one.entry},
                       {"rank", one.place.rank},
                       {"tied", one.place.tied},
                       {"to_best", one.place.to_best.value},
                       {"low", interval ? json(interval->low) : json(nullptr)},
                       {"high", interval ? json(interval->high) : json(nullptr)}});
  }
  return {{"profile", table.profile.name}, {"entries", entries},       {"cells", table.cells},
          {"covered", table.covered},      {"missing", table.missing}, {"not_ranked", table.unranked}};
}

}  // namespace reactorlab::bench
