#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace reactorlab::bench {

/// `bench micro`: the workloads inside the process under Google Benchmark.
struct MicroOptions {
  std::vector<std::string> impls = {"all"};
  std::string workload;  ///< regular expression on the workload's name
  std::string backend;
  std::string locking;
  unsigned workers = 1;
  std::vector<std::string> benchmark_flags;  ///< --benchmark_..., as typed
};

void add_micro(CLI::App& app, MicroOptions& options);

/// Takes Google Benchmark's flags out of the command line; they mean nothing to our parser.
[[nodiscard]] std::vector<std::string> take_benchmark_flags(std::vector<std::string>& words);

/// Exit status 1 if a workload was done wrongly. What an engine has no native form of is shown and is no failure.
int micro_verb(const MicroOptions& options);

}  // namespace reactorlab::bench
