#pragma once
// A registration: the address-stable slot of one source. One word per direction holds its whole state:
//
//   generation(32) | parked task, an arena offset (26) | SHUTDOWN CLOSED STICKY MORE PARKED READY (6)
//
// Where nobody is parked, the lowest bit of the offset says AGAIN: READY is good for two attempts.
//
// An edge turns PARKED into empty and wakes, or empty into READY. Arming turns empty into PARKED, or READY into empty and tells
// the operation to try again. That is the cached readiness of Tokio's scheduled_io, with its races closed by one
// compare-and-swap on this word instead of by ticks.
//
// Access::plain: one thread, or the home's mutex around every call. Access::atomic: any thread; only the list of further
// waiters then needs the mutex.

#include <cstdint>

#include "core/mutation.hpp"
#include "core/sync.hpp"
#include "core/task_arena.hpp"
#include "core/types.hpp"
#include "core/waker.hpp"

namespace reactorlab {

enum class Access : std::uint8_t { plain, atomic };

/// A further waiter of a direction whose word already holds one, or a task of another runtime. Pooled, FIFO.
struct Waiter {
  Waiter* next;
  Waker waker;
  Direction direction;
};

/// What a registration is for. Listeners are closed to newcomers when shutdown begins.
enum class SourceKind : std::uint8_t {
  descriptor,  ///< whatever can be polled
  stream,      ///< a connected stream socket, which nobody but its handle reads or writes
  listener,
  datagram,  ///< a UDP socket
};

/// Which of the runtimes that share a reactor; 0 where there is one.
using Owner = std::uint16_t;

struct alignas(32) Registration {
  Atomic<std::uint64_t> words[direction_count];
  union {
    Waiter* more = nullptr;   ///< live: further waiters of both directions; guarded by the home's exclusion
    std::uint32_t next_free;  ///< free: the slab's list
  };
  Atomic<int> fd{-1};           ///< -1: free
  Atomic<Interest> interest{};  ///< what the kernel was asked for; written under the home's exclusion
  SourceKind kind : 7 = SourceKind::descriptor;
  bool completes : 1 = false;  ///< its operations are completed by a ring: completions.hpp
  Owner owner = 0;             ///< whose shutdown ends it

  Atomic<std::uint64_t>& word(Direction d) noexcept { return words[static_cast<unsigned>(d)]; }
  const Atomic<std::uint64_t>& word(Direction d) const noexcept { return words[static_cast<unsigned>(d)]; }
};

static_assert(sizeof(Registration) == 32, "two per cache line; the idle cost of a source");

enum class Armed : std::uint8_t {
  parked,     ///< the task will be woken
  ready,      ///< an edge came first: attempt again
  refused,    ///< the registration is closed, or its runtime is shut down: see refusal()
  unwidened,  ///< the kernel refused to report that direction too; the upper half of `identity` is the errno
  misplaced,  ///< a confined home's registration, and this isn't its thread
  crowded,    ///< another task is parked there: join the list of further waiters, under the home's exclusion
  no_memory,  ///< for a place in that list
};

namespace readiness {

inline constexpr std::uint64_t ready = 1, parked = 2, more = 4, sticky = 8, closed = 16, shutdown = 32;
inline constexpr std::uint64_t flags = 63;
/// Beside READY, where no task is parked and its bits are free: one attempt more.
inline constexpr std::uint64_t again = 64;
inline constexpr std::uint64_t generation_mask = ~std::uint64_t{UINT32_MAX};

constexpr std::uint32_t task_offset(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word & ~flags); }
constexpr bool same_life(std::uint64_t a, std::uint64_t b) noexcept { return (a >> 32) == (b >> 32); }

/// What is left of a word with READY after one attempt has been granted.
constexpr std::uint64_t consumed(std::uint64_t word) noexcept { return word & ~(word & again ? again : ready); }

/// Moves `word` from `from` to `to`. Plain access can't lose; atomic access reloads `from` when it does.
template <Access access>
[[gnu::always_inline]] inline bool advance(Atomic<std::uint64_t>& word, std::uint64_t& from, std::uint64_t to) noexcept {
  if constexpr (access == Access::plain) {
    word.store(to, relaxed);
    return true;
  } else {
    return word.compare_exchange_weak(from, to, acq_rel, acquire);
  }
}

template <Access access>
[[gnu::noinline]] Armed arm_slow(Atomic<std::uint64_t>& word, const TaskHeader& task) noexcept {
  std::uint64_t now = word.load(relaxed);
  for (;;) {
    if (now & (mutated(Mutant::shutdown_ignored_by_arm) ? closed : closed | shutdown)) return Armed::refused;
    if (mutated(Mutant::ready_overwritten_by_arm)) now = word.fetch_and(~ready, relaxed) & ~ready;
    if (now & ready) {
      // READY AGAIN -> READY -> empty, consumed; a sticky end (a hang-up) stays. Losing: look again.
      if ((now & sticky) && !mutated(Mutant::hangup_consumed)) return Armed::ready;
      if (advance<access>(word, now, consumed(now))) return Armed::ready;
      continue;
    }
    if (now & parked) return Armed::crowded;
    if (advance<access>(word, now, now | TaskArena::offset_of(task) | parked)) return Armed::parked;
  }
}

/// Parks `task` in the word. On `parked`, `identity` is the empty word of this life: what the word holds again once an edge has
/// taken the task out.
template <Access access>
[[gnu::always_inline]] inline Armed arm(Atomic<std::uint64_t>& word, const TaskHeader& task, std::uint64_t& identity) noexcept {
  std::uint64_t now = word.load(relaxed);
  identity = now & generation_mask;
  if (static_cast<std::uint32_t>(now) == 0) [[likely]] {
    // empty -> PARKED. Losing (atomic): an edge or a close came first.
    if (advance<access>(word, now, now | TaskArena::offset_of(task) | parked)) [[likely]]
      return Armed::parked;
  }
  return arm_slow<access>(word, task);
}

/// What an edge did.
struct Edge {
  TaskHeader* task = nullptr;  ///< to be woken
  bool crowd = false;          ///< the further waiters of this direction are to be woken too, under the home's exclusion
};

/// `sticky_end`: a hang-up, which arming never consumes. `twice`: wake and leave READY, or leave READY AGAIN, so that the reader
/// looks a second time (urgent data splits a read in two without a second edge).
template <Access access>
[[gnu::noinline]] Edge edge(Atomic<std::uint64_t>& word, std::uint64_t generation, bool sticky_end, bool twice) noexcept {
  std::uint64_t now = word.load(relaxed);
  for (;;) {
    if (!same_life(now, generation) && !mutated(Mutant::generation_ignored)) return {};  // stale: somebody else's word
    if (now & (mutated(Mutant::edge_ends_shutdown) ? closed : closed | shutdown)) return {};
    const std::uint64_t keep = (now & (generation_mask | sticky)) | (sticky_end ? ready | sticky : 0);
    if (now & parked) {
      // PARKED -> empty (or READY): whoever moved the word wakes the task. Losing: a disarm, a close or another edge.
      const std::uint64_t to = mutated(Mutant::waiter_not_taken_on_wake) ? now : keep | (twice ? ready : 0);
      if (!advance<access>(word, now, to)) continue;
      const std::uint32_t offset = task_offset(now);
      return {offset ? &TaskArena::at(offset) : nullptr, (now & more) != 0};
    }
    // empty -> READY (AGAIN): remembered until somebody arms. An edge that finds it has nothing to add.
    if (mutated(Mutant::edge_lost_without_waiter)) return {};
    const std::uint64_t to = keep | ready | (twice ? again : now & again);
    if (to == now || advance<access>(word, now, to)) return {};
  }
}

/// Takes `task` out of the word if it is the one parked there. True: the further waiters have to be looked through, under the
/// home's exclusion.
template <Access access>
bool disarm(Atomic<std::uint64_t>& word, std::uint64_t identity, const TaskHeader& task) noexcept {
  std::uint64_t now = word.load(relaxed);
  for (;;) {
    if (!same_life(now, identity) || !(now & parked)) return false;
    if (task_offset(now) != TaskArena::offset_of(task)) return (now & more) != 0;
    // PARKED(task) -> empty, or PARKED(nobody) while further waiters remain. Losing: an edge took the task out.
    const std::uint64_t rest = now & ~std::uint64_t{task_offset(now)};
    if (advance<access>(word, now, now & more ? rest : rest & ~parked)) return false;
  }
}

/// The error of an operation that was refused.
inline IoResult refusal(std::uint64_t word) noexcept { return word & shutdown ? -ESHUTDOWN : -EBADF; }

}  // namespace readiness
}  // namespace reactorlab
