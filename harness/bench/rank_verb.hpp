#pragma once

#include "harness/bench/rank.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace reactorlab::bench {

/// `bench rank`: who is cheapest for a use that a profile describes.
struct RankOptions {
  std::string run;                              ///< results folder
  std::vector<std::string> profiles = {"all"};  ///< names
  std::string file;                             ///< of profiles; empty: the repository's
  RankChoice choice;
  bool json = false;
};

void add_rank(CLI::App& app, RankOptions& options);

/// kExitNotComparable where a profile can't rank anybody. Throws UsageError.
int rank_verb(const RankOptions& options);

}  // namespace reactorlab::bench
