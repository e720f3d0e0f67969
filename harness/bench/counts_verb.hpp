#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace reactorlab::bench {

/// `bench counts`: what one operation costs in counts.
struct CountsOptions {
  std::string run;  ///< results folder whose samples are shown; empty: counts anew
  std::vector<std::string> impls = {"all"};
  std::string engines;   ///< file of external engines; empty: the repository's
  std::string workload;  ///< regular expression
  std::string backend;
  std::string locking;
  unsigned workers = 1;
  bool instructions = false;
  std::string json;  ///< file
};

void add_counts(CLI::App& app, CountsOptions& options);

/// kExitFailure where nothing could be counted of an entry, or a run went wrong. Throws UsageError.
int counts_verb(const CountsOptions& options);

}  // namespace reactorlab::bench
