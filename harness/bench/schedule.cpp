#include "harness/bench/schedule.hpp"

#include "harness/bench/latin_square.hpp"
#include "harness/bench/served_workloads.hpp"

namespace reactorlab::bench {

std::vector<Slot> schedule_of(const RunPlan& plan) {
  constexpr std::uint64_t kSeedStep = 7919;  // prime: the environment's padding, seed mod 4096, takes every length
  std::vector<Slot> schedule;
  schedule.reserve(plan.rounds * plan.cells.size() * plan.entries.size());
  for (std::size_t round = 0; round < plan.rounds; ++round) {
    for (std::size_t cell = 0; cell < plan.cells.size(); ++cell) {
      const auto order = round_order(plan.seed, cell, round, plan.entries.size());
      for (std::size_t position = 0; position < order.size(); ++position)
        schedule.push_back({round, cell, position, order[position], plan.seed + kSeedStep * schedule.size()});
    }
  }
  return schedule;
}

std::optional<std::size_t> slot_of(const RunPlan& plan, const std::vector<Slot>& schedule, const Sample& sample) {
  for (std::size_t cell = 0; cell < plan.cells.size(); ++cell) {
    if (plan.cells[cell] != sample.cell) continue;
    const std::size_t index = (sample.round * plan.cells.size() + cell) * plan.entries.size() + sample.position;
    if (sample.round >= plan.rounds || sample.position >= plan.entries.size()) return std::nullopt;
    const Entry& entry = plan.entries[schedule[index].entry];
    const bool same = entry.label == sample.impl && entry.backend == sample.backend && entry.locking == sample.locking &&
                      workers_in(sample.cell, entry.workers) == sample.workers;
    return same ? std::optional(index) : std::nullopt;
  }
  return std::nullopt;
}

std::chrono::milliseconds expected_time(const RunPlan& plan, const std::vector<Slot>& slots) {
  std::chrono::milliseconds total{};
  for (const Slot& slot : slots) total += expected_time(plan.cells[slot.cell], plan.times);
  return total;
}

}  // namespace reactorlab::bench
