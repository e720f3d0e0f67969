#include "harness/bench/served_workloads.hpp"

#include "harness/bench/ablation_definition.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace reactorlab::bench {

const std::vector<ServedWorkload>& served_workloads() {
  static const std::vector<ServedWorkload> all = {
      {"tcp_echo", &load::run_load},
      {"echo_open", &load::run_open_echo, false},
      {"echo_paced", &load::run_paced_echo, false},
      {"accept_churn", &load::run_churn},
      {"accept_balance", &load::run_heartbeat, false},
      {"idle_memory", &load::run_idle, false},
      {"active_of_idle", &load::run_active},
      {"idle_cpu", &load::run_heartbeat, false},
      {"unix_echo", &load::run_load, true, "unix_echo"},
      {"udp_echo", &load::run_load, true, "udp_echo"},
      {"timeout_per_read", &load::run_load, true, "echo_timeout"},
      {"cpu_mix", &load::run_work, true, "echo_work"},
      {"cpu_balance", &load::run_work, true, "echo_work"},
      {"skew", &load::run_skew, true, "echo_work"},
      {"one_bad_task", &load::run_bad_task, false, "echo_work"},
  };
  return all;
}

const ServedWorkload& served_workload_of(std::string_view name) {
  const auto& all = served_workloads();
  const auto found = std::find_if(all.begin(), all.end(), [&](const ServedWorkload& one) { return one.name == name; });
  if (found == all.end()) throw std::out_of_range(fmt::format("no load is called '{}'", name));
  return *found;
}

unsigned workers_in(const Cell& cell, unsigned asked) {
  const Workload& workload = workload_of(cell.workload);
  return !workload.in_process && workload.topology == Topology::T2Mix ? std::max(2U, asked) : asked;
}

std::optional<std::string> obstacle_to_serving(const Entry& entry, const Cell& cell) {
  const std::string_view proto = served_workload_of(cell.workload).proto;
  if (entry.external != nullptr && proto != "echo") return "an engine of another language serves TCP echo only";
  if (const AblationDefinition* const ablation = find_ablation(entry.ablation); ablation != nullptr && !ablation->serves.empty())
    if (std::find(ablation->serves.begin(), ablation->serves.end(), proto) == ablation->serves.end())
      return fmt::format("{} has a server of its own for {} only", ablation->name, fmt::join(ablation->serves, ", "));
  const unsigned most = entry.external != nullptr ? entry.external->max_workers : find_impl(entry.impl).info.max_workers;
  const unsigned workers = workers_in(cell, entry.workers);
  if (workers > entry.workers && most != 0 && workers > most)  // what was asked for was looked at when it was
    return fmt::format("it has at most {} worker{}, and this takes {}", most, most == 1 ? "" : "s", workers);
  if (entry.external != nullptr || proto == "echo_work") return std::nullopt;  // which is echo, and the handlers' own affair
  return make_engine(entry.impl)->refusal_of(proto);
}

}  // namespace reactorlab::bench
