#pragma once
// A registration: the address-stable slot of one source. One word per direction holds its whole state:
//
//   generation(32) | a task, as an arena offset (26) | SHUTDOWN CLOSED STICKY MORE PARKED READY (6)
//
// An edge turns PARKED(task) into TOLD(task) and wakes, or remembers itself as READY where nobody is parked. Arming turns READY
// into TOLD(task), and the operation attempts again; or it parks. That is the cached readiness of Tokio's scheduled_io, with its
// races closed by one compare-and-swap on this word instead of by ticks.
//
// TOLD(task), neither PARKED nor READY: the last edge was told to that task alone, and may have brought more than it takes.
// Whoever else arms could have been between its EAGAIN and here when the edge came: it attempts once more, and is TOLD itself.
// So who parks has always seen the source empty after the last edge. (A header that is used again was told as its predecessor; it
// attempts later still.) Decision 0029.
//
// Beside READY the lowest bit of the offset says AGAIN: good for two attempts.

#include <cstdint>

#include "core/mutation.hpp"
#include "core/sync.hpp"
#include "core/task_arena.hpp"
#include "core/types.hpp"
#include "core/waker.hpp"

namespace reactorlab {

enum class Access : std::uint8_t {
  confined,  ///< one thread, so that no edge comes between an attempt and parking
  plain,     ///< the home's mutex around every call
  atomic,    ///< any thread; only the list of further waiters needs the mutex
};

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
  ready,      ///< an edge came first, or may have: attempt again
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

/// In the place of a task's offset, which it never is: none that the word knew, but further waiters.
inline constexpr std::uint32_t others = ~std::uint32_t{flags};

constexpr std::uint32_t task_offset(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word & ~flags); }
constexpr bool same_life(std::uint64_t a, std::uint64_t b) noexcept { return (a >> 32) == (b >> 32); }

/// What is left of a word with READY after the task of that offset has been granted an attempt.
constexpr std::uint64_t consumed(std::uint64_t word, std::uint32_t offset) noexcept {
  return word & again ? word & ~again : (word & ~ready) | offset;
}
/// An edge was told to another task than the one of that offset. REQUIRES neither PARKED nor READY.
constexpr bool told_another(std::uint64_t word, std::uint32_t offset) noexcept {
  const std::uint32_t told = task_offset(word);
  return told != 0 && told != offset && !mutated(Mutant::edge_told_to_another_missed);
}

/// Moves `word` from `from` to `to`. Only atomic access can lose; it reloads `from` then.
template <Access access>
[[gnu::always_inline]] inline bool advance(Atomic<std::uint64_t>& word, std::uint64_t& from, std::uint64_t to) noexcept {
  if constexpr (access != Access::atomic) {
    word.store(to, relaxed);
    return true;
  } else {
    return word.compare_exchange_weak(from, to, acq_rel, acquire);
  }
}

template <Access access>
[[gnu::noinline]] Armed arm_slow(Atomic<std::uint64_t>& word, const TaskHeader& task) noexcept {
  const std::uint32_t offset = TaskArena::offset_of(task);
  std::uint64_t now = word.load(relaxed);
  for (;;) {
    if (now & (mutated(Mutant::shutdown_ignored_by_arm) ? closed : closed | shutdown)) return Armed::refused;
    if (mutated(Mutant::ready_overwritten_by_arm)) now = word.fetch_and(~ready, relaxed) & ~ready;
    if (now & ready) {
      // READY AGAIN -> READY -> TOLD(task), consumed; a sticky end (a hang-up) stays. Losing: look again.
      if ((now & sticky) && !mutated(Mutant::hangup_consumed)) return Armed::ready;
      if (advance<access>(word, now, consumed(now, offset))) return Armed::ready;
      continue;
    }
    if (now & parked) return Armed::crowded;
    const std::uint64_t told = (now & generation_mask) | offset;
    if (access != Access::confined && told_another(now, offset)) {
      // TOLD(another) -> TOLD(task). Losing: an edge, a close or the other came first.
      if (advance<access>(word, now, told)) return Armed::ready;
      continue;
    }
    // empty or TOLD(task) -> PARKED(task). Losing: look again.
    if (advance<access>(word, now, told | parked)) return Armed::parked;
  }
}

/// Parks `task` in the word. `identity` is TOLD(task) of this life: what the word holds once an edge has taken the task out.
template <Access access>
[[gnu::always_inline]] inline Armed arm(Atomic<std::uint64_t>& word, const TaskHeader& task, std::uint64_t& identity) noexcept {
  std::uint64_t now = word.load(relaxed);
  identity = (now & generation_mask) | TaskArena::offset_of(task);
  if (now == identity) [[likely]] {
    // TOLD(task) -> PARKED(task). Losing (atomic): an edge or a close came first.
    if (advance<access>(word, now, now | parked)) [[likely]]
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
      // PARKED(task) -> TOLD(task), or READY: whoever moved the word wakes the task. Losing: a disarm, a close or another edge.
      const std::uint32_t offset = task_offset(now);
      const std::uint64_t left = twice || (keep & ready) ? ready : offset ? offset : others;
      if (!advance<access>(word, now, mutated(Mutant::waiter_not_taken_on_wake) ? now : keep | left)) continue;
      return {offset ? &TaskArena::at(offset) : nullptr, (now & more) != 0};
    }
    // empty or TOLD -> READY (AGAIN): remembered until somebody arms. An edge that finds it has nothing to add.
    if (mutated(Mutant::edge_lost_without_waiter)) return {};
    const std::uint64_t to = keep | ready | (twice ? again : now & ready ? now & again : 0);
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
