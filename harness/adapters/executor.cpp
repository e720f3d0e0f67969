#include "harness/adapters/executor.hpp"

#include "core/join.hpp"
#include "core/task.hpp"

namespace reactorlab::adapters {

void PostingExecutor::enqueue(TaskHeader& task) noexcept {
  if (on_own_thread()) {
    wakes_local_.fetch_add(1, relaxed);
    return loop_.post(task);
  }
  visitors_.fetch_add(1, relaxed);  // before the post: whoever ends the task, and then the loop, sees us
  wakes_remote_.fetch_add(1, relaxed);
  loop_.post(task);
  visitors_.fetch_sub(1, release);
}

TaskHeader& PostingExecutor::adopt(std::coroutine_handle<> frame) {
  TaskHeader& task = shared_headers().take();
  task.begin_life(frame);
  task.executor.store(this, release);
  return task;
}

void PostingExecutor::launch(TaskHeader& task) noexcept {
  started_.fetch_add(1, seq_cst);
  // Counted before the mark is looked at, marked before the count is looked at: cancel_all() waits for us. Who is turned away
  // doesn't count for longer than that, or threads that go on spawning would keep it waiting.
  if (!closing_.load(seq_cst)) return enqueue(task);
  started_.fetch_sub(1, seq_cst);
  destroy_frame(task);
}

void PostingExecutor::reclaim(TaskHeader& task) noexcept {
  retire(task);
  shared_headers().put(task);
}

void PostingExecutor::poll(TaskHeader& task) noexcept {
  std::uint32_t wakes = task.wakes.load(acquire);
  if ((wakes & TaskHeader::cancel_bit) || closing_.load(relaxed)) return destroy(task);
  polls_.fetch_add(1, relaxed);
  task.budget = leaf_budget;
  task.poll(task);
  // n -> 0: parked, the next wake posts it, and from here on another thread may poll it. Losing: it was woken, or cancelled, while
  // it ran; it keeps its count and is polled once more.
  if (task.action == TaskAction::park && task.wakes.compare_exchange_strong(wakes, 0, acq_rel, relaxed)) return;
  settle(task);
}

void PostingExecutor::settle(TaskHeader& task) noexcept {
  if (task.action == TaskAction::finish) return finish(task);
  task.action = TaskAction::park;  // it was woken while it ran, or it yields
  loop_.post(task);
}

void PostingExecutor::finish(TaskHeader& task) noexcept {
  std::exchange(task.frame, nullptr).destroy();
  join::complete(task);
  finished_.fetch_add(1, seq_cst);
}

void PostingExecutor::destroy(TaskHeader& task) noexcept {
  destroy_frame(task);
  finished_.fetch_add(1, seq_cst);
}

void PostingExecutor::destroy_frame(TaskHeader& task) noexcept {
  PromiseBase::root_of(std::exchange(task.frame, nullptr)).destroy();
  task.outcome = TaskOutcome::cancelled;
  task.poll = nullptr;
  join::complete(task);
}

// Whatever comes up is destroyed by now, so a wake is all that a task needs: harmless if the header has another owner by the time
// it gets there. Tasks that this pass misses are met by the next.
void PostingExecutor::cancel_everything() noexcept {
  TaskArena::for_each([this](TaskHeader& task) {
    if (task.executor.load(acquire) == this && !join::is_done(task)) wake_shared(task);
  });
}

ExecutorStats PostingExecutor::stats() const noexcept {
  ExecutorStats stats;
  stats.live_tasks = live();
  stats.polls = polls_.load(relaxed);
  stats.wakes_local = wakes_local_.load(relaxed);
  stats.wakes_remote = wakes_remote_.load(relaxed);
  return stats;
}

}  // namespace reactorlab::adapters
