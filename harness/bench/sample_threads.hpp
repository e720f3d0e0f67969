#pragma once

#include "harness/bench/sample.hpp"
#include "harness/measure/thread_counts.hpp"

#include <vector>

#include <nlohmann/json.hpp>

namespace reactorlab::bench {

/// Puts what the scheduler did in the window into a sample's counts, per operation: "voluntary_switches", "involuntary_switches"
/// and "run_delay_ns" of all threads, and where several ran also "voluntary_switches.0", ".1" and so on, of those, in the order in
/// which they began. "busiest_thread_share" is no count per operation but the part of the threads' CPU time that was the busiest
/// one's: 1/n where n threads share the work evenly. REQUIRES: sample.ops > 0.
void add_thread_counts(Sample& sample, const std::vector<measure::ThreadCounts>& threads);

/// As a child process hands them over, and back. Throws nlohmann::json::exception.
[[nodiscard]] nlohmann::json to_json(const std::vector<measure::ThreadCounts>& threads);
[[nodiscard]] std::vector<measure::ThreadCounts> thread_counts_from_json(const nlohmann::json& json);

}  // namespace reactorlab::bench
