#pragma once
// The confined executor: one thread, no read-modify-write on its own paths. Polls a ready task straight from dispatch. Other
// threads reach it through its inbox.

#include "core/executor.hpp"
#include "core/inbox.hpp"
#include "core/local_reactor.hpp"
#include "core/task_queue.hpp"

namespace reactorlab {

class LocalExecutor final : public Executor {
 public:
  /// The calling thread becomes the owner. Throws UsageError if it owns a confined executor already.
  explicit LocalExecutor(LocalReactor& reactor);
  /// On the owner's thread, after shut_down().
  ~LocalExecutor();

  // --- Executor -----------------------------------------------------------------------------------------------------------
  void enqueue(TaskHeader& task) noexcept override {
    if (mutated(Mutant::wake_resumes_inline)) return poll(task);
    mutated(Mutant::woken_task_goes_first) ? ready_.push_front(task) : ready_.push(task);
  }
  void enqueue_remote(TaskHeader& task) noexcept override;
  [[gnu::always_inline]] TaskHeader& adopt(std::coroutine_handle<> frame) override {
    TaskHeader& task = on_own_thread() ? headers_.take() : take_confined_header();
    task.begin_life(frame);
    task.kind.begin_life();
    task.executor.store(this, relaxed);
    return task;
  }
  [[gnu::always_inline]] void launch(TaskHeader& task) noexcept override {
    if (!on_own_thread() || closed_.load(relaxed)) [[unlikely]]
      return launch_otherwise(task);
    ++started_;
    mutated(Mutant::spawn_runs_inline) ? poll(task) : ready_.push(task);
  }
  void reclaim(TaskHeader& task) noexcept override;
  bool on_own_thread() const noexcept override { return confined_executor == this; }

  // --- the owner's thread ---------------------------------------------------------------------------------------------------

  /// Drives tasks and reactor until that task has finished. Throws UsageError if called from one of its own tasks.
  void run_until_done(const TaskHeader& root);

  /// Lets tasks run until none is left or the deadline has come, then destroys the rest. New tasks are refused from the first
  /// cancellation on. Idempotent.
  void shut_down(TimePoint drain_until) noexcept;

  bool running() const noexcept { return running_; }
  ExecutorStats stats() const noexcept;
  std::uint64_t turns() const noexcept { return turns_; }
  std::uint64_t kicks() const noexcept { return kicks_.load(relaxed); }

 private:
  struct Sink;

  void kick() noexcept;
  void launch_otherwise(TaskHeader& task) noexcept;
  void turn(bool may_block, TimePoint wait_no_longer_than = TimePoint::never) noexcept;
  void poll(TaskHeader& task) noexcept;
  void poll_from_edge(TaskHeader& task) noexcept;
  void settle(TaskHeader& task, std::uint32_t wakes_before) noexcept;
  void finish(TaskHeader& task) noexcept;
  void destroy_cancelled(TaskHeader& task) noexcept;
  void fire_due() noexcept;
  void bear_failed_wait(int error, int timeout_ms) noexcept;
  void take_in(TaskHeader& task, std::uint64_t requests) noexcept;
  void cancel_everything() noexcept;
  void orphan_finished() noexcept;
  bool live() const noexcept { return started_ != finished_; }

  LocalReactor& reactor_;
  TaskQueue ready_;
  HeaderPool headers_{TaskKind::confined};
  std::uint64_t started_ = 0, finished_ = 0;
  unsigned towards_turn_ = 0;  // polls since the last turn, and operations that count like polls
  std::uint64_t polls_ = 0, turns_ = 0, wakes_local_ = 0, wakes_remote_ = 0, wakes_suppressed_ = 0;
  std::uint64_t awaiting_drain_ = 0;  // dead headers that are still in the inbox
  bool running_ = false;
  Atomic<bool> closed_{false};
  Atomic<std::uint64_t> kicks_{0};
  Atomic<bool> deaf_{false};         // the reactor can't wait any more: who kicks counts its knock, too
  Atomic<std::uint32_t> knocks_{0};  // on which the owner sleeps then
  Inbox inbox_;
  Event events_[Poller::batch];
};

}  // namespace reactorlab
