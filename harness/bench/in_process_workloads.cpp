#include "harness/bench/in_process_workloads.hpp"

#include <algorithm>

namespace reactorlab::bench {

const std::vector<InProcessWorkload>& in_process_workloads() {
  static const std::vector<InProcessWorkload> all = {
      {.name = "spawn_join",
       .summary = "inside a task: spawn a child that returns a value, and await it",
       .cells = {{}},
       .operations = 3'000'000},
  };
  return all;
}

const InProcessWorkload* find_in_process_workload(std::string_view name) {
  const auto& all = in_process_workloads();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace reactorlab::bench
