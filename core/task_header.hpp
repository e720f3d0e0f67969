#pragma once
// The identity of a spawned task: what queues link, wakers name and registrations park. Everything else of a task is its
// coroutine frame.
//
// Headers live in one reserved range of addresses (task_arena.hpp), are recycled and never unmapped, so a waker that comes late
// touches a header, at worst somebody else's: a spurious wake, which every leaf operation absorbs.

#include <coroutine>
#include <cstddef>
#include <cstdint>

#include "core/sync.hpp"

namespace reactorlab {

class Executor;
struct TaskHeader;

/// Called by the executor to poll a task: the operation it is parked in, not the user's code.
using PollFunction = void (*)(TaskHeader&) noexcept;

/// Confined headers are touched without read-modify-writes by their executor's thread and reached from others only through
/// `remote`; shared ones by anybody. A header keeps its kind for ever, or a late wake would race with plain stores.
enum class TaskKind : std::uint8_t { confined, shared };

/// A header's kind; beside it, since the header's line is full, whether a waker was made of a confined task in its present life.
/// Any thread: the kind never changes, so that a mark is a store of what is known.
class MarkedKind {
 public:
  MarkedKind(TaskKind kind) noexcept : bits_{static_cast<std::uint8_t>(kind)} {}                          // NOLINT: it is one
  operator TaskKind() const noexcept { return static_cast<TaskKind>(bits_.load(relaxed) & shared_bit); }  // NOLINT
  void operator=(TaskKind kind) noexcept { bits_.store(static_cast<std::uint8_t>(kind), relaxed); }

  // REQUIRES confined.
  bool waker_made() const noexcept { return bits_.load(relaxed) != 0; }
  void mark_waker_made() const noexcept { bits_.store(waker_bit, relaxed); }
  void begin_life() noexcept { bits_.store(0, relaxed); }

 private:
  static constexpr std::uint8_t shared_bit = 1, waker_bit = 2;
  static_assert(static_cast<int>(TaskKind::confined) == 0 && static_cast<int>(TaskKind::shared) == shared_bit);

  mutable Atomic<std::uint8_t> bits_;
};

/// What the code that ran last asked the executor for.
enum class TaskAction : std::uint8_t {
  park,
  yield,
  yield_spent,  ///< as yield, at the end of a budget of calls into the kernel: towards the reactor's next turn it counts as so many polls
  finish,
};

/// What a finished task left behind.
enum class TaskOutcome : std::uint8_t { none, value, exception, cancelled };

/// How many leaf operations may complete without suspending in one poll, before the task is made to yield (FAIR-03).
inline constexpr std::uint8_t leaf_budget = 64;

/// Resumes the innermost frame.
inline void resume_frame(TaskHeader& task) noexcept;

struct alignas(64) TaskHeader {
  // `wakes`: 0 parked; n > 0 notified n times since it was last parked, so it is queued or running.
  // Whoever takes it from 0 to 1 must enqueue the task, exactly once. cancel_bit makes the next poll destroy the frame;
  // dead_bit says that no task lives here, so that a late increment never finds 0.
  static constexpr std::uint32_t cancel_bit = 1u << 31;
  static constexpr std::uint32_t dead_bit = 1u << 30;

  // `remote`: generation(32) | link of the inbox(26, an arena offset) | requests(6). See inbox.hpp. The generation counts the
  // lives of this header.
  static constexpr std::uint64_t remote_queued = 1, remote_wake = 2, remote_cancel = 4, remote_detach = 8, remote_start = 16,
                                 remote_orphan = 32;
  static constexpr std::uint64_t remote_flags = 63;

  // `join`: who gets the result. none -> a joiner's waker -> done, or none -> detached -> done, or none -> done -> taken.
  static constexpr std::uint64_t join_none = 0, join_done = 1, join_detached = 2;

  Atomic<std::uint32_t> wakes{dead_bit};
  TaskAction action = TaskAction::park;
  std::uint8_t budget = 0;
  TaskOutcome outcome = TaskOutcome::none;
  MarkedKind kind = TaskKind::shared;
  PollFunction poll = nullptr;  ///< once finished: destroys the result (nullptr if there is nothing to destroy)
  union {
    void* operation;           ///< while parked: the leaf operation
    std::byte result[8] = {};  ///< once finished: the value, if it is small and trivial, else a pointer to it
  };
  std::coroutine_handle<> frame;          ///< the innermost suspended frame; at the end the root's
  Atomic<Executor*> executor{nullptr};    ///< nullptr: free
  TaskHeader* next = nullptr;             ///< run queue, injection queue or wake batch: in one at a time
  Atomic<std::uint64_t> join{join_none};  ///< see above
  Atomic<std::uint64_t> remote{std::uint64_t{1} << 32};

  /// A recycled header's next life: notified once, not queued, joined by nobody yet. `executor` is the caller's to store, last.
  void begin_life(std::coroutine_handle<> root) noexcept {
    action = TaskAction::park;
    outcome = TaskOutcome::none;
    poll = &resume_frame;
    frame = root;
    join.store(join_none, relaxed);
    wakes.store(1, relaxed);
  }

  std::uint32_t generation() const noexcept { return static_cast<std::uint32_t>(remote.load(relaxed) >> 32); }

  /// Counts a completed leaf operation. False: the budget is spent, yield first.
  bool spend_budget() noexcept { return --budget != 0; }
};

static_assert(sizeof(TaskHeader) == 64, "one cache line per task");

/// A coroutine of ours lets no exception out (its promise stores it), which the compiler can't
/// know of coroutine_handle::resume(): called through the frame's own resume pointer, it is a tail call.
[[gnu::always_inline]] inline void resume_frame(TaskHeader& task) noexcept {
  using Resume = void (*)(void*) noexcept;
  void* const frame = task.frame.address();
  (*static_cast<Resume*>(frame))(frame);
}

}  // namespace reactorlab
