#pragma once
// Hierarchical timer wheel: O(1) insert and cancel, intrusive, unsynchronised.
//
// Time is counted in ticks of 2^20 ns (about 1.05 ms) so that a shift replaces a division. A tick number is read as digits of
// six bits; level L of the wheel has one slot for each value of digit L. An entry lives at the level of the most significant
// digit in which its deadline differs from the current tick, in the slot of the deadline's digit there. Eight levels hold every
// deadline that 64 bits of nanoseconds can name, so there is no overflow list and nothing ever wraps around.
//
// Two facts follow from that placement rule, and everything else rests on them:
//
//  1. An entry at level L agrees with the current tick in all digits above L and exceeds it in digit L. So every entry of a
//     lower level is due before every entry of a higher one, and within a level lower slots are due first: the earliest slot is
//     the lowest bit of the first non-zero occupancy word.
//
//  2. Place is a function of (current tick, deadline) alone, and the wheel keeps every entry in its place at every step. So
//     entries with one deadline always share one slot, and inserting appends: their order is the order of insertion. A cascade
//     keeps it: it moves a slot's list front to back into levels that are empty at that moment (by fact 1 they were due
//     earlier, hence are gone), and whoever is inserted directly afterwards is appended behind.
//
// Borrowed: the hierarchy from Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (SOSP 1987); choosing the level by
// exclusive-or and one occupancy word per level from tokio's time driver.

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/mutation.hpp"

namespace reactorlab {

struct TaskHeader;  // the wheel carries the pointer for its owner and never looks inside

/// A link of a circular list: a slot's own link has no entry around it, every other one is the base of a TimerEntry.
struct TimerLink {
  TimerLink* prev = nullptr;
  TimerLink* next = nullptr;
};

/// One pending deadline, embedded in the operation that sleeps. Must neither move nor die while pending.
struct TimerEntry : TimerLink {
  std::uint64_t deadline_tick = 0;  ///< rounded deadline; set by insert(), still readable when the entry has fired
  TaskHeader* task = nullptr;       ///< whom the owner wakes

  /// True from insert() until the entry fires or is cancelled. Same exclusion as the wheel.
  bool pending() const noexcept { return next != nullptr; }
};

static_assert(sizeof(TimerEntry) <= 48, "embedded in every sleeping operation");

/// Threads: none of its own business. Whoever owns the wheel (the reactor) decides how it is reached.
/// Memory: about 8 KiB per wheel, nothing per entry.
class TimerWheel {
 public:
  static constexpr unsigned tick_shift = 20;
  static constexpr std::uint64_t tick_ns = std::uint64_t{1} << tick_shift;

  /// next_deadline_ns() looks at no more than this many entries of one slot.
  static constexpr std::size_t exact_scan_limit = 16;

  /// `now_ns` is where time starts: nanoseconds of any clock that never goes back.
  explicit TimerWheel(std::uint64_t now_ns = 0) noexcept;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  /// REQUIRES: empty(). Whoever sleeps cancels its entry before the reactor goes.
  ~TimerWheel();

  /// Makes `entry` pending until `deadline_ns`, an absolute time rounded up to a tick, so that it never fires early.
  /// A deadline that isn't later than the wheel's now counts as "now", whatever its distance: it fires at the next advance(),
  /// before all later ones and in order of insertion. UINT64_MAX, and all else in the clock's last tick, means "never".
  /// REQUIRES: !entry.pending(). To reset a timer, cancel and insert it.
  void insert(TimerEntry& entry, std::uint64_t deadline_ns) noexcept {
    assert(!entry.pending());
    if (mutated(Mutant::timers_dropped_when_many) && size_ >= 1'000) return;
    if (mutated(Mutant::timer_rounded_down)) deadline_ns &= ~(tick_ns - 1);
    const bool due = deadline_ns <= now_ns_;
    entry.deadline_tick = due ? current_tick_ : round_up_to_tick(deadline_ns);
    const unsigned slot = due ? due_slot : place_of(entry.deadline_tick);
    if (mutated(Mutant::one_timer_per_deadline) && occupied(slot) && front(slot).deadline_tick == entry.deadline_tick) {
      take_out(front(slot));
    }
    append(slot, entry);
    ++size_;
  }

  /// Takes `entry` out, in constant time. True if it was pending: then it will not fire.
  /// REQUIRES: a pending entry is pending in this wheel.
  bool cancel(TimerEntry& entry) noexcept {
    if (!entry.pending() || mutated(Mutant::cancelled_timers_stay)) return false;
    for (const TimerLink* at = entry.next; mutated(Mutant::cancel_searches) && at != &entry; at = at->next) {
      if (!at) return false;
    }
    take_out(entry);
    return true;
  }

  /// Takes out each entry of which chosen(TimerEntry&) says so, then calls taken(TimerEntry&) for it, which may destroy it; in no
  /// particular order. Looks at all of them. Neither may touch the wheel.
  template <class Chosen, class Taken>
  void take_out_if(Chosen&& chosen, Taken&& taken) {
    for (TimerLink& slot : slots_) {
      for (TimerLink* link = slot.next; link != &slot;) {
        auto& entry = static_cast<TimerEntry&>(*link);
        link = link->next;
        if (!chosen(entry)) continue;
        take_out(entry);
        taken(entry);
      }
    }
  }

  /// The same for all entries, due or not.
  template <class Taken>
  void clear(Taken&& taken) {
    take_out_if([](const TimerEntry&) { return true; }, taken);
  }

  /// Moves time on to `now_ns` and calls `fired(TimerEntry&)` for each due entry in the order of (rounded deadline, insertion).
  /// Returns how many fired. A time before the wheel's now counts as no progress, but entries that are due still fire.
  ///
  /// An entry is unlinked before its call, and not touched afterwards: the sink may destroy it or insert it again. The sink may
  /// insert and cancel any entry: one that is cancelled doesn't fire; one inserted already due fires at the next advance(), so
  /// a sink that re-arms for "now" can't keep this call from returning. The sink must not call advance().
  /// If the sink throws, entries not yet fired stay pending and fire at the next advance().
  ///
  /// Cost: per entry, at most one move per level over its whole life; empty slots are skipped by their bitmaps, so an idle gap
  /// costs the same whether it lasts for a tick or for years.
  template <class Sink>
  std::size_t advance(std::uint64_t now_ns, Sink&& fired) {
    collect_due(now_ns);
    std::size_t count = 0;
    while (occupied(firing_slot)) {
      TimerEntry& entry = front(firing_slot);
      take_out(entry);
      ++count;
      fired(entry);
      if (mutated(Mutant::fired_timers_stay) && size_ != 0) insert(entry, 0);
    }
    return count;
  }

  /// The earliest time at which advance() has something to do, for the owner to bound its wait with; not later than now if an
  /// entry is due already. Nothing if no entry can ever fire: the wheel is empty, or all that is left means "never".
  ///
  /// Exact (the rounded deadline of the earliest entry) as long as the earliest slot is at level 0 or holds at most
  /// exact_scan_limit entries: an idle runtime doesn't wake to cascade. A fuller slot gives the start of the slot instead,
  /// earlier than its deadlines; advance() then spreads that many entries over finer slots, at most once per level.
  /// Cost: one word per level, and the entries looked at. Always later than now unless an entry is due: no busy loop.
  std::optional<std::uint64_t> next_deadline_ns() const noexcept;

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

 private:
  static constexpr unsigned digit_bits = 6;
  static constexpr unsigned slots_per_level = 1U << digit_bits;
  static constexpr unsigned level_count = 8;

  // Behind the wheel's slots come two lists that time has already passed. They look like slots of one more level, so that
  // unlinking needs no special case.
  static constexpr unsigned due_slot = level_count * slots_per_level;  // inserted when already due: for the next advance()
  static constexpr unsigned firing_slot = due_slot + 1;                // what the current advance() has yet to fire
  static constexpr unsigned slot_count = firing_slot + 1;

  static_assert(slots_per_level == 64, "one bit of an occupancy word per slot");
  static_assert(level_count * digit_bits >= 64 - tick_shift + 1, "every deadline, rounded up, lies within the wheel");

  static constexpr std::uint64_t to_tick(std::uint64_t ns) noexcept { return ns >> tick_shift; }
  static constexpr std::uint64_t round_up_to_tick(std::uint64_t ns) noexcept { return to_tick(ns) + (ns % tick_ns != 0 ? 1 : 0); }
  static constexpr unsigned digit_of(std::uint64_t tick, unsigned level) noexcept {
    return static_cast<unsigned>(tick >> (level * digit_bits)) % slots_per_level;
  }
  static constexpr unsigned level_of(unsigned slot) noexcept { return slot / slots_per_level; }
  static constexpr std::uint64_t occupancy_bit(unsigned slot) noexcept { return std::uint64_t{1} << (slot % slots_per_level); }

  /// Where the placement rule puts a deadline; one that equals the current tick belongs to level 0.
  unsigned place_of(std::uint64_t deadline_tick) const noexcept {
    const std::uint64_t differing_bits = deadline_tick ^ current_tick_;
    const unsigned highest_bit = static_cast<unsigned>(std::bit_width(differing_bits | 1)) - 1;
    const unsigned level = highest_bit / digit_bits;
    return level * slots_per_level + digit_of(deadline_tick, level);
  }

  bool occupied(unsigned slot) const noexcept { return (occupied_[level_of(slot)] & occupancy_bit(slot)) != 0; }
  TimerEntry& front(unsigned slot) noexcept { return static_cast<TimerEntry&>(*slots_[slot].next); }

  void append(unsigned slot, TimerEntry& entry) noexcept {
    TimerLink& end = slots_[slot];
    TimerLink* const last = end.prev;
    entry.prev = last;
    last->next = &entry;  // between the entry's own two stores: joined to a wide one, they measurably stall a cancel() soon after
    entry.next = &end;
    end.prev = &entry;
    occupied_[level_of(slot)] |= occupancy_bit(slot);
  }

  /// Both neighbours being one and the same link, it can only be that of the slot, now empty: it tells which slot that is.
  void unlink(TimerEntry& entry) noexcept {
    TimerLink* const before = entry.prev;
    TimerLink* const after = entry.next;
    before->next = after;
    after->prev = before;
    entry.next = nullptr;
    if (before == after) mark_empty(static_cast<unsigned>(before - slots_.data()));
  }

  void take_out(TimerEntry& entry) noexcept {
    unlink(entry);
    --size_;
  }

  void mark_empty(unsigned slot) noexcept { occupied_[level_of(slot)] &= ~occupancy_bit(slot); }

  std::optional<unsigned> earliest_slot() const noexcept;
  std::uint64_t start_of(unsigned slot) const noexcept;
  std::uint64_t earliest_tick_of(unsigned slot) const noexcept;
  void collect_due(std::uint64_t now_ns) noexcept;
  void cascade(unsigned slot) noexcept;
  void splice_to_firing(unsigned slot) noexcept;

  std::uint64_t now_ns_;
  std::uint64_t current_tick_;
  std::size_t size_ = 0;
  std::array<std::uint64_t, level_count + 1> occupied_{};
  std::array<TimerLink, slot_count> slots_;
};

}  // namespace reactorlab
