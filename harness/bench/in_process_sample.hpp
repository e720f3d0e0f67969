#pragma once

#include "harness/bench/in_process_workloads.hpp"
#include "harness/bench/sample_runner.hpp"

#include <optional>
#include <vector>

namespace reactorlab::bench {

/// Where the child runs, and behind it where threads of the workload's own do.
[[nodiscard]] std::vector<int> cpus_for(const InProcessWorkload& workload, std::optional<int> server_cpu,
                                        std::optional<int> load_cpu);

/// One cell of a workload inside the process, in a fresh child process pinned to settings.server_cpu; threads of the
/// workload's own are pinned to settings.load_cpu. `server_cpu_ns` is the child's CPU time in the window, those
/// threads included. Whatever goes wrong makes the sample void; what the engine has no native form of, not_applicable.
[[nodiscard]] Sample run_in_process_sample(const Entry& entry, const SamplePlace& place, const SampleSettings& settings);

}  // namespace reactorlab::bench
