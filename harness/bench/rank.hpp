#pragma once

#include "harness/bench/profile.hpp"
#include "harness/bench/sample.hpp"
#include "harness/measure/ranking.hpp"

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace reactorlab::bench {

/// Which entries take part.
struct RankChoice {
  std::vector<std::string> entries = {};  ///< labels; empty: all
  bool intersection = false;              ///< cells that somebody lacks count for nobody, instead of leaving out who lacks them
};

/// A place in the list.
struct RankedEntry {
  std::string entry;
  measure::Ranked place;
};

/// A profile's ranking of a run, and all that keeps it from being the whole truth.
struct RankTable {
  Profile profile;
  std::vector<RankedEntry> entries;
  std::size_t cells = 0;              ///< that count
  double covered = 0;                 ///< which part of the profile's weight they are
  std::vector<std::string> missing;   ///< terms and cells that don't count, with the reason
  std::vector<std::string> unranked;  ///< entries that lack a cell, with the reason
};

/// Never throws for what is missing: it says so, and may rank nobody.
[[nodiscard]] RankTable rank(const std::vector<Sample>& samples, const Profile& profile, const RankChoice& choice);

[[nodiscard]] std::string text_of(const RankTable& table);
[[nodiscard]] nlohmann::json to_json(const RankTable& table);

}  // namespace reactorlab::bench
