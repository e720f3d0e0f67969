#include "harness/measure/ranking.hpp"

#include "harness/measure/signs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>

namespace reactorlab::measure {
namespace {

using Scores = std::vector<double>;  // by entry, logarithms

/// A cell's log-costs beside those of the entry in the middle, by entry and round: what drifts for all of them is gone, and one of
/// them that is noisy disturbs nobody else.
struct Centred {
  double weight;
  std::vector<std::vector<double>> logs;
  std::vector<bool> complete;  ///< by round

  Centred(const WeightedCell& cell, double total_weight)
      : weight(cell.weight / total_weight), logs(cell.costs), complete(cell.costs.front().size(), true) {
    for (std::size_t round = 0; round < complete.size(); ++round) {
      std::vector<double> all;
      for (auto& entry : logs) all.push_back(entry[round] = std::log(entry[round]));
      complete[round] = std::all_of(all.begin(), all.end(), [](double log) { return std::isfinite(log); });
      if (!complete[round]) continue;
      const double middle = median(std::move(all));
      for (auto& entry : logs) entry[round] -= middle;
    }
  }
};

/// NaN for everybody where none of the drawn rounds is complete in some cell.
Scores scores_of(const std::vector<Centred>& cells, const std::vector<std::size_t>& drawn) {
  Scores scores(cells.front().logs.size(), 0.0);
  std::vector<double> values;
  for (const Centred& cell : cells)
    for (std::size_t entry = 0; entry < scores.size(); ++entry) {
      values.clear();
      for (const std::size_t round : drawn)
        if (cell.complete[round]) values.push_back(cell.logs[entry][round]);
      scores[entry] += values.empty() ? std::numeric_limits<double>::quiet_NaN() : cell.weight * median(values);
    }
  return scores;
}

/// The scores of every draw, which all pairs share.
class Draws {
 public:
  Draws(const std::vector<Centred>& cells, std::size_t rounds, const BootstrapSettings& settings)
      : rounds_(rounds), settings_(settings) {
    const Bootstrap drawing(
        {rounds},
        [&](const Draw& draw) {
          scores_.push_back(scores_of(cells, draw[0]));
          return 0.0;
        },
        settings);
  }

  /// Of the ratio of the one's mean to the other's, as a logarithm.
  [[nodiscard]] std::optional<Interval> interval(std::size_t one, std::size_t other, double confidence) const {
    std::size_t next = 0;
    const auto difference = [&](const Draw&) {
      const Scores& scores = scores_[next++];
      return scores[one] - scores[other];
    };
    return Bootstrap({rounds_}, difference, settings_).interval(confidence);
  }

 private:
  std::size_t rounds_;
  BootstrapSettings settings_;
  std::vector<Scores> scores_;
};

/// The rounds that a cell has, and no fewer than any of them has.
std::size_t fewest_complete(const std::vector<Centred>& cells) {
  std::size_t fewest = std::numeric_limits<std::size_t>::max();
  for (const Centred& cell : cells)
    fewest = std::min(fewest, static_cast<std::size_t>(std::count(cell.complete.begin(), cell.complete.end(), true)));
  return fewest;
}

}  // namespace

std::vector<Ranked> rank_by_mean(std::span<const WeightedCell> cells, const Ranking& ranking) {
  if (cells.empty() || cells.front().costs.empty() || cells.front().costs.front().empty()) return {};
  const double total =
      std::accumulate(cells.begin(), cells.end(), 0.0, [](double sum, const WeightedCell& cell) { return sum + cell.weight; });
  std::vector<Centred> centred;
  for (const WeightedCell& cell : cells) centred.emplace_back(cell, total);
  const std::size_t rounds = cells.front().costs.front().size(), complete = fewest_complete(centred);
  if (complete == 0) return {};

  std::vector<std::size_t> all(rounds);
  std::iota(all.begin(), all.end(), std::size_t{0});
  const Scores scores = scores_of(centred, all);
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return scores[a] != scores[b] ? scores[a] < scores[b] : a < b; });

  const bool enough = complete >= fewest_rounds(ranking.confidence);
  std::optional<Draws> draws;
  if (enough) draws.emplace(centred, rounds, ranking.bootstrap);
  const auto interval = [&](std::size_t one, std::size_t other) {
    return draws ? draws->interval(one, other, ranking.confidence) : std::nullopt;
  };
  const auto better = [&](std::size_t one, std::size_t other) {
    if (scores[one] - scores[other] >= std::log1p(-ranking.margin)) return false;
    const auto between = interval(one, other);
    return between && between->high < 0;
  };

  std::vector<Ranked> ranked;
  for (const std::size_t entry : order) {
    const auto ahead =
        std::count_if(order.begin(), order.end(), [&](std::size_t other) { return other != entry && better(other, entry); });
    const std::size_t best = order.front();
    ranked.push_back({.entry = entry,
                      .rank = 1 + static_cast<std::size_t>(ahead),
                      .tied = false,
                      .to_best = {std::exp(scores[entry] - scores[best]),
                                  entry == best ? std::nullopt : from_logarithms(interval(entry, best)), complete}});
  }
  // Somebody whose cost is known badly may be parted from fewer than somebody cheaper.
  const auto place = [](const Ranked& one) { return std::tuple(one.rank, one.to_best.value, one.entry); };
  std::sort(ranked.begin(), ranked.end(), [&](const Ranked& a, const Ranked& b) { return place(a) < place(b); });
  for (Ranked& one : ranked)
    one.tied = std::count_if(ranked.begin(), ranked.end(), [&](const Ranked& other) { return other.rank == one.rank; }) > 1;
  return ranked;
}

}  // namespace reactorlab::measure
