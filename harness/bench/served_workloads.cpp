#include "harness/bench/served_workloads.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace reactorlab::bench {

const std::vector<ServedWorkload>& served_workloads() {
  static const std::vector<ServedWorkload> all = {
      {"tcp_echo", &load::run_load},
      {"accept_churn", &load::run_churn},
      {"idle_memory", &load::run_idle, false},
      {"active_of_idle", &load::run_active},
      {"idle_cpu", &load::run_heartbeat, false},
  };
  return all;
}

const ServedWorkload& served_workload_of(std::string_view name) {
  const auto& all = served_workloads();
  const auto found = std::find_if(all.begin(), all.end(), [&](const ServedWorkload& one) { return one.name == name; });
  if (found == all.end()) throw std::out_of_range(fmt::format("no load is called '{}'", name));
  return *found;
}

}  // namespace reactorlab::bench
