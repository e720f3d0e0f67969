#pragma once
// What a task needs of whatever runs it. Two executors implement it: local_executor.hpp (confined to one thread) and
// stealing_executor.hpp (N workers).

#include <concepts>
#include <cstdint>

#include "core/mutation.hpp"
#include "core/task_header.hpp"

namespace reactorlab {

struct ExecutorStats {
  std::uint64_t live_tasks = 0;
  std::uint64_t polls = 0;
  std::uint64_t wakes_local = 0;       ///< by the executor's own threads, dispatch included
  std::uint64_t wakes_remote = 0;      ///< through the inbox or the injection queue
  std::uint64_t wakes_suppressed = 0;  ///< found the task queued or running already
  std::uint64_t steals = 0;
  std::uint64_t worker_parks = 0;
  std::uint64_t handoffs = 0;  ///< lists of woken tasks that a reactor's own thread gave to the workers
};

/// Polls after which the reactor gets a turn even though tasks are ready (FAIR-01). A poll that spent its budget counts as all of
/// its operations: each was a call into the kernel, so that turns would otherwise be 64 times as far apart where they are dearest.
inline constexpr unsigned polls_per_turn = 256;

class Executor {
 public:
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Enqueues a task whose step from 0 to 1 wake the caller took. Shared: any thread. Confined: its own thread.
  virtual void enqueue(TaskHeader& task) noexcept = 0;

  /// Takes in a confined task in whose `remote` word the caller set the queued bit. Any thread.
  virtual void enqueue_remote(TaskHeader& task) noexcept = 0;

  /// A fresh header for a task of this executor: alive, notified once, not queued. Any thread.
  virtual TaskHeader& adopt(std::coroutine_handle<> frame) = 0;

  /// Queues an adopted task for the first time. Any thread. If the executor is shutting down, the frame is destroyed unrun and
  /// the join resolves as cancelled.
  virtual void launch(TaskHeader& task) noexcept = 0;

  /// Gives up a finished task's header; called by the last of the two parties of its join. Any thread.
  virtual void reclaim(TaskHeader& task) noexcept = 0;

  TaskKind kind() const noexcept { return kind_; }
  /// True on a thread that runs this executor's tasks.
  virtual bool on_own_thread() const noexcept = 0;

 protected:
  explicit Executor(TaskKind kind) noexcept : kind_{kind} {}
  ~Executor() = default;

 private:
  const TaskKind kind_;
};

/// The confined executor that owns the calling thread; nullptr if there is none. There is at most one.
inline constinit thread_local Executor* confined_executor = nullptr;

/// Asks a confined task something from another thread: TaskHeader::remote_wake, _cancel, _detach. False if its executor is gone
/// and the header is the caller's to free.
bool request_remotely(TaskHeader& task, std::uint32_t generation, std::uint64_t requests) noexcept;

/// Asks that the task be destroyed at its next poll and makes sure that there is one. Any thread. The caller holds the task's
/// join handle, or is its executor.
void cancel(TaskHeader& task) noexcept;

/// One wake on the owner's thread, without a read-modify-write.
template <std::derived_from<Executor> E>
void wake_confined(TaskHeader& task, E& executor) noexcept {
  const std::uint32_t n = task.wakes.load(relaxed);
  task.wakes.store(n + 1, relaxed);
  if (n == 0) executor.enqueue(task);
}

/// One wake of a shared task, from anywhere. Transition 0 -> 1: ours to enqueue; n -> n + 1: it is queued or running and will
/// see what we wrote, since the poll that follows acquires this word; dead: nobody lives here any more.
inline void wake_shared(TaskHeader& task) noexcept {
  if (mutated(Mutant::queued_wake_unpublished) && task.wakes.load(relaxed) != 0) return;
  if (task.wakes.fetch_add(1, acq_rel) == 0) return task.executor.load(acquire)->enqueue(task);
  if (!mutated(Mutant::running_task_queued_again)) return;
  Executor* const executor = task.executor.load(acquire);  // only onto a run queue, which can hold a task twice
  if (executor && executor->on_own_thread()) executor->enqueue(task);
}

}  // namespace reactorlab
