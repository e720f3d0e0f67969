#include "harness/bench/schedule.hpp"

#include "harness/bench/latin_square.hpp"
#include "harness/bench/served_workloads.hpp"

#include <algorithm>
#include <tuple>

namespace reactorlab::bench {

std::vector<Slot> schedule_of(const RunPlan& plan) {
  constexpr std::uint64_t kSeedStep = 7919;  // prime: the environment's padding, seed mod 4096, takes every length
  std::vector<Slot> schedule;
  schedule.reserve(plan.rounds * plan.cells.size() * plan.entries.size());
  for (std::size_t round = 0; round < plan.rounds; ++round) {
    for (std::size_t cell = 0; cell < plan.cells.size(); ++cell) {
      const std::vector<std::size_t> entries = entries_in(plan, cell);
      const auto order = round_order(plan.seed, cell, round, entries.size());
      for (std::size_t position = 0; position < order.size(); ++position)
        schedule.push_back({round, cell, position, entries[order[position]], plan.seed + kSeedStep * schedule.size()});
    }
  }
  return schedule;
}

std::optional<std::size_t> slot_of(const RunPlan& plan, const std::vector<Slot>& schedule, const Sample& sample) {
  const auto cell = std::find(plan.cells.begin(), plan.cells.end(), sample.cell);
  if (cell == plan.cells.end()) return std::nullopt;
  const std::tuple wanted{sample.round, static_cast<std::size_t>(cell - plan.cells.begin()), sample.position};
  const auto order = [](const Slot& slot, const auto& other) { return std::tuple{slot.round, slot.cell, slot.position} < other; };
  const auto slot = std::lower_bound(schedule.begin(), schedule.end(), wanted, order);
  if (slot == schedule.end() || std::tuple{slot->round, slot->cell, slot->position} != wanted) return std::nullopt;
  const Entry& entry = plan.entries[slot->entry];
  const bool same = entry.label == sample.impl && entry.backend == sample.backend && entry.locking == sample.locking &&
                    workers_in(sample.cell, entry.workers) == sample.workers;
  return same ? std::optional(static_cast<std::size_t>(slot - schedule.begin())) : std::nullopt;
}

std::chrono::milliseconds expected_time(const RunPlan& plan, const std::vector<Slot>& slots) {
  std::chrono::milliseconds total{};
  for (const Slot& slot : slots) total += expected_time(plan.cells[slot.cell], plan.times);
  return total;
}

}  // namespace reactorlab::bench
