#include "core/timer_wheel.hpp"

#include <algorithm>

namespace reactorlab {

TimerWheel::TimerWheel(std::uint64_t now_ns) noexcept : now_ns_(now_ns), current_tick_(to_tick(now_ns)) {
  for (TimerLink& slot : slots_) slot.prev = slot.next = &slot;
}

TimerWheel::~TimerWheel() { assert(empty()); }

std::optional<std::uint64_t> TimerWheel::next_deadline_ns() const noexcept {
  if (occupied(due_slot) || occupied(firing_slot)) return now_ns_;
  const std::optional<unsigned> slot = earliest_slot();
  if (!slot) return std::nullopt;
  const std::uint64_t tick = earliest_tick_of(*slot);
  constexpr std::uint64_t last_tick = to_tick(UINT64_MAX);
  if (tick > last_tick) return std::nullopt;  // the clock ends before
  return tick << tick_shift;
}

/// The slot of the wheel whose entries are due before all others (fact 1).
std::optional<unsigned> TimerWheel::earliest_slot() const noexcept {
  for (unsigned level = 0; level < level_count; ++level) {
    if (occupied_[level] == 0) continue;
    return level * slots_per_level + static_cast<unsigned>(std::countr_zero(occupied_[level]));
  }
  return std::nullopt;
}

/// The first tick that a slot of the wheel stands for: the current tick above the slot's level, the slot's digit, then zeros.
std::uint64_t TimerWheel::start_of(unsigned slot) const noexcept {
  const unsigned shift = level_of(slot) * digit_bits;
  const unsigned shift_above = shift + digit_bits;
  const std::uint64_t above = current_tick_ >> shift_above << shift_above;
  const std::uint64_t digit = slot % slots_per_level;
  return above | digit << shift;
}

/// The earliest deadline in an occupied slot, or the slot's start if finding it would take too long.
std::uint64_t TimerWheel::earliest_tick_of(unsigned slot) const noexcept {
  if (level_of(slot) == 0) return start_of(slot);  // level 0 has a slot per tick
  const TimerLink* const end = &slots_[slot];
  std::uint64_t earliest = UINT64_MAX;
  std::size_t scanned = 0;
  for (const TimerLink* link = end->next; link != end; link = link->next) {
    if (++scanned > exact_scan_limit) return start_of(slot);
    earliest = std::min(earliest, static_cast<const TimerEntry*>(link)->deadline_tick);
  }
  return earliest;
}

/// Moves time to `now_ns` and all that is due into the firing list, in order.
///
/// Time jumps from one occupied slot to the next and enters each at its start, where all lower levels are empty. The last jump,
/// to the target, crosses no occupied slot's start: it changes only digits at or below the level of the earliest slot left,
/// and that level's digit stays below the slot's, so every remaining entry is still in its place.
void TimerWheel::collect_due(std::uint64_t now_ns) noexcept {
  now_ns_ = std::max(now_ns_, now_ns);
  const std::uint64_t target_tick = to_tick(now_ns_);
  if (occupied(due_slot)) splice_to_firing(due_slot);
  while (const std::optional<unsigned> slot = earliest_slot()) {
    const std::uint64_t start = start_of(*slot);
    if (start > target_tick || (mutated(Mutant::due_now_not_due) && start == target_tick)) break;
    current_tick_ = start;
    if (level_of(*slot) == 0) {
      splice_to_firing(*slot);
    } else {
      cascade(*slot);
    }
  }
  current_tick_ = target_tick;
}

/// Spreads a slot, whose start is the current tick, over the levels below it. Front to back: that keeps the order (fact 2).
void TimerWheel::cascade(unsigned slot) noexcept {
  while (occupied(slot)) {
    TimerEntry& entry = front(slot);
    unlink(entry);
    append(place_of(entry.deadline_tick), entry);
  }
}

/// Moves a whole occupied slot behind what is firing already, without touching the entries between its ends.
void TimerWheel::splice_to_firing(unsigned slot) noexcept {
  TimerLink& from = slots_[slot];
  TimerLink& to = mutated(Mutant::later_ticks_fire_first) ? *slots_[firing_slot].next : slots_[firing_slot];
  from.next->prev = to.prev;
  to.prev->next = from.next;
  from.prev->next = &to;
  to.prev = from.prev;
  from.prev = from.next = &from;
  mark_empty(slot);
  occupied_[level_of(firing_slot)] |= occupancy_bit(firing_slot);
}

}  // namespace reactorlab
