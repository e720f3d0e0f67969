#pragma once

#include <string>

namespace CLI {
class App;
}

namespace reactorlab::bench {

/// `bench explain`: why two entries of a run cost what they cost.
struct ExplainOptions {
  std::string entry, vs;   ///< A and B
  std::string workload;    ///< regular expression on its name
  std::string results;     ///< folder; empty: the newest in results/
  std::string primitives;  ///< file; empty: primitives.json in that folder, else here
  std::string counts;      ///< file; empty: counts.json in that folder, if it is there
};

void add_explain(CLI::App& app, ExplainOptions& options);

/// 0: every difference is explained, or primitives are of another machine, so that nothing is judged. kExitUnexplained,
/// kExitInconclusive, kExitNotComparable: see `bench explain --help`. Throws UsageError.
int explain_verb(const ExplainOptions& options);

}  // namespace reactorlab::bench
