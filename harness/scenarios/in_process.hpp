#pragma once
// What a workload inside one process is asked, and what it answers. The scenarios do it for the variants, peers natively.

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace reactorlab {

/// One workload inside this process: no sockets, no load generator (harness/workloads defines them).
struct InProcessRequest {
  std::string workload;                              ///< `spawn_join`, `timer_fire`, ...
  std::map<std::string, std::uint64_t> params = {};  ///< the cell's, all present
  std::uint64_t operations = 0;                      ///< to do inside the window
  std::string backend = {}, locking = {};            ///< empty: the engine's default
  std::string ablation = {};                         ///< of a variant: the one choice that is changed; empty: none
  unsigned workers = 1;
  std::function<void()> on_window_open = {};           ///< called once everything is set up, right before the first operation
  std::function<void()> on_window_close = {};          ///< called right after the last; set-up and clean-up are outside
  std::function<void(std::uint64_t)> on_latency = {};  ///< per operation, ns, where the workload has a latency; any order
  /// Called first by each thread that the workload itself starts beside the runtime's: it takes its place (CPU) there.
  std::function<void()> on_foreign_thread = {};
};

struct InProcessReport {
  std::uint64_t operations = 0;  ///< done and verified
  std::uint64_t errors = 0;      ///< answers that were wrong: lost, doubled, early, out of order
  std::map<std::string, std::uint64_t> counters;
};

}  // namespace reactorlab
