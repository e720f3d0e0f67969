#pragma once

#include "harness/bench/compare.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace reactorlab::bench {

/// `bench compare`: two runs, or two entries of one.
struct CompareOptions {
  std::vector<std::string> runs;  ///< A and B, or one folder
  CompareChoice choice;
  std::vector<std::string> gates;
};

void add_compare(CLI::App& app, CompareOptions& options);

/// 0, or kExitRegression, kExitInconclusive by the gates, kExitNotComparable where there is nothing to judge by; each but 0 with a
/// line on standard error. Throws UsageError.
int compare_verb(const CompareOptions& options);

}  // namespace reactorlab::bench
