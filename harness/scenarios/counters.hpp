#pragma once
// What runtimes count, under the names that results use, and how the counts of several add up.

#include <cstdint>
#include <map>
#include <string>

#include "core/runtime.hpp"
#include "harness/scenarios/in_process.hpp"

namespace reactorlab::scenarios {

inline std::map<std::string, std::uint64_t> counters_of(const RuntimeStats& stats) {
  return {{"turns", stats.turns},
          {"kicks", stats.kicks},
          {"epoll_ctl_calls", stats.epoll_ctl_calls},
          {"polls", stats.polls},
          {"wakes_local", stats.wakes_local},
          {"wakes_remote", stats.wakes_remote},
          {"wakes_suppressed", stats.wakes_suppressed},
          {"steals", stats.steals},
          {"worker_parks", stats.worker_parks},
          {"handoffs", stats.handoffs},
          {"lock_acquisitions", stats.lock_acquisitions},
          {"lock_contentions", stats.lock_contentions}};
}

/// Adds what a runtime beside the scenario's first one counted between the two readings. Where the process has one reactor,
/// the first runtime's counts have that one's part already.
template <class Rt>
void add_counters(InProcessReport& report, const RuntimeStats& before, const RuntimeStats& after) {
  RuntimeStats counted = after;
  if (Rt::description.name == "oncelock_global") static_cast<ReactorStats&>(counted) = before;
  const auto earlier = counters_of(before);
  for (const auto& [name, count] : counters_of(counted)) report.counters[name] += count - earlier.at(name);
}

/// For another runtime of the same kind.
template <class Rt>
RuntimeOptions options_like(const Rt& runtime, unsigned workers) {
  const RuntimeInfo& info = runtime.info();
  return {.workers = workers, .backend = info.backend, .locking = info.locking, .ablation = info.ablation};
}

}  // namespace reactorlab::scenarios
