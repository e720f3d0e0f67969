#include "harness/bench/in_process_workloads.hpp"

#include <algorithm>

namespace reactorlab::bench {

const std::vector<InProcessWorkload>& in_process_workloads() {
  static const std::vector<InProcessWorkload> all = {
      {.name = "await_chain",
       .summary = "a task awaits coroutines that only return a value: neither reactor nor executor is in the path",
       .cells = {{}},
       .operations = 20'000'000},
      {.name = "spawn_join",
       .summary = "inside a task: spawn a child that returns a value, and await it",
       .cells = {{}},
       .operations = 4'000'000},
      {.name = "yield",
       .summary = "tasks that do nothing but yield: one round of the executor, order checked",
       .cells = {{{"tasks", 64}}},
       .operations = 20'000'000},
      {.name = "timer_insert_cancel",
       .summary = "create a sleep and cancel it, with others pending for hours",
       .cells = {{{"live", 100}}, {{"live", 1'000'000}}},
       .operations = 4'000'000},
      {.name = "timer_fire",
       .summary = "sleeps that end, spread over 20 ms; latency is how late they are",
       .cells = {{{"timers", 10'000}}},
       .operations = 150'000,
       .has_latency = true},
      {.name = "cross_thread_wake",
       .summary = "a foreign thread notifies a parked task, which answers: the round trip",
       .cells = {{}},
       .operations = 5'000,
       .has_latency = true,
       .foreign_threads = true},
      {.name = "post",
       .summary = "foreign threads hand no-op jobs to the runtime",
       .cells = {{{"producers", 1}}},
       .operations = 1'000'000,
       .foreign_threads = true},
      {.name = "reg_churn",
       .summary = "a new eventfd: registered, readable once, deregistered, closed",
       .cells = {{}},
       .operations = 150'000},
  };
  return all;
}

const InProcessWorkload* find_in_process_workload(std::string_view name) {
  const auto& all = in_process_workloads();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace reactorlab::bench
