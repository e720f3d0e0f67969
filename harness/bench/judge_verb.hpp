#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace reactorlab::bench {

/// `bench judge`: stored samples, by this program's gates and statistics.
struct JudgeOptions {
  std::vector<std::string> runs;  ///< results folders
  bool no_charts = false;
};

void add_judge(CLI::App& app, JudgeOptions& options);

/// Throws UsageError, and std::runtime_error for what is no finished run.
int judge_verb(const JudgeOptions& options);

}  // namespace reactorlab::bench
