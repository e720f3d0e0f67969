#include "harness/bench/in_process_workloads.hpp"

#include <algorithm>

namespace reactorlab::bench {
namespace {

std::vector<InProcessWorkload> defined() {
  std::vector<InProcessWorkload> all;
  for (const Workload& workload : workloads())
    if (workload.in_process)
      all.push_back({.name = workload.name,
                     .summary = workload.summary,
                     .cells = workload.cells,
                     .operations = workload.operations,
                     .has_latency = workload.has_latency,
                     .foreign_threads = workload.foreign_threads,
                     .spread = workload.topology != Topology::T1});
  return all;
}

}  // namespace

const std::vector<InProcessWorkload>& in_process_workloads() {
  static const std::vector<InProcessWorkload> all = defined();
  return all;
}

const InProcessWorkload* find_in_process_workload(std::string_view name) {
  const auto& all = in_process_workloads();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace reactorlab::bench
