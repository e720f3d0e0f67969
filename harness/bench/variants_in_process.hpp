#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/runtime.hpp"
#include "harness/engine.hpp"

namespace reactorlab::bench {

/// A workload inside the process on a fresh runtime of that home, made and driven on the calling thread. Errors:
/// UsageError for what the home can't be, std::invalid_argument for a workload that doesn't exist.
[[nodiscard]] InProcessReport run_variant_in_process(std::string_view home, const RuntimeOptions& options,
                                                     const InProcessRequest& request);

/// The workloads that it knows.
[[nodiscard]] std::vector<std::string_view> variant_scenarios();

/// What the runtime counts, under the names that results use.
[[nodiscard]] std::map<std::string, std::uint64_t> counters_of(const RuntimeStats& stats);

}  // namespace reactorlab::bench
