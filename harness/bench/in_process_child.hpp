#pragma once

#include "harness/bench/entry.hpp"
#include "harness/bench/workload.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace CLI {
class App;
}

namespace reactorlab::bench {

/// The hidden verb that does one workload in its own process and says what it measured in one line of JSON.
inline constexpr const char* kInProcessVerb = "in-process-child";

struct InProcessChildOptions {
  Entry entry;
  std::string workload;
  std::vector<std::string> params;  ///< "tasks=64"
  std::uint64_t operations = 0;
  std::vector<int> cpus;  ///< the runtime's, and behind it that of the workload's own threads; empty: not pinned
  bool spread = false;    ///< every thread may run on any of them
};

void add_in_process_child(CLI::App& app, InProcessChildOptions& options);
[[nodiscard]] std::vector<std::string> words_of(const InProcessChildOptions& options);

/// Pins the calling thread, and so those that it starts, to the first of these, or to all of them.
void take_place(const std::vector<int>& cpus, bool spread);
/// What threads of the workload's own do first: pin themselves to the last of these, unless threads are spread.
[[nodiscard]] std::function<void()> foreign_place(const std::vector<int>& cpus, bool spread);

/// The parameters as the command line carries them, and back. Throws UsageError.
[[nodiscard]] std::vector<std::string> params_to_words(const Params& params);
[[nodiscard]] Params params_from_words(const std::vector<std::string>& words);

int in_process_child_verb(const InProcessChildOptions& options);

}  // namespace reactorlab::bench
