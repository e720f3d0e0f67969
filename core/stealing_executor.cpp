#include "core/stealing_executor.hpp"

#include <algorithm>

#include "core/clock.hpp"
#include "core/join.hpp"
#include "core/task.hpp"

namespace reactorlab {

StealingExecutorBase::StealingExecutorBase(unsigned workers, DriverRole& role, Ablation ablation)
    : Executor{TaskKind::shared},
      role_{role},
      thieves_{workers > 1 ? RunQueue::Thieves::some : RunQueue::Thieves::none},
      lot_{workers, role, ablation == Ablation::spin_then_park ? looks_before_parking : 0} {
  workers_.reserve(workers);
  for (unsigned i = 0; i < workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(thieves_));
    workers_.back()->executor = this;
    workers_.back()->index = i;
  }
}

StealingExecutorBase::~StealingExecutorBase() = default;

void StealingExecutorBase::start_threads() {
  try {
    for (auto& worker : workers_) {
      worker->thread = sys::start_thread([this, w = worker.get()] {
        current_worker = w;
        run(*w);
        current_worker = nullptr;
      });
    }
  } catch (...) {
    if (!mutated(Mutant::failed_start_keeps_threads)) stop_threads();
    throw;
  }
}

void StealingExecutorBase::stop_threads() noexcept {
  stopping_.store(true, seq_cst);
  kick_driver();
  if (mutated(Mutant::one_worker_told_to_stop)) {
    lot_.wake_one();
  } else {
    lot_.wake_all();
  }
  for (auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
  // Who pushed a task that has been run since may still be about to kick.
  while (visitors_.load(acquire) != 0) relax();
}

// --- tasks in ---------------------------------------------------------------------------------------------------------------

bool StealingExecutorBase::on_own_thread() const noexcept { return current_worker && current_worker->executor == this; }

TaskHeader& StealingExecutorBase::adopt(std::coroutine_handle<> frame) {
  TaskHeader& task = shared_headers().take();
  task.begin_life(frame);
  task.executor.store(this, release);
  return task;
}

void StealingExecutorBase::launch(TaskHeader& task) noexcept {
  const bool at_home = on_own_thread();
  if (at_home) {
    current_worker->started.add();
  } else {
    started_elsewhere_.fetch_add(1, seq_cst);
  }
  if (poll_limit_.load(seq_cst) == 0) [[unlikely]] {
    // Counted before the mark was looked at, marked before the count is looked at: cancel_everything() waits for who comes in.
    // Who is turned away doesn't count for longer than that, or threads that go on spawning would keep it waiting.
    if (at_home) {
      current_worker->finished.add();
    } else {
      started_elsewhere_.fetch_sub(1, seq_cst);
    }
    // The workers may be gone already: ended here, unrun.
    std::exchange(task.frame, nullptr).destroy();
    task.outcome = TaskOutcome::cancelled;
    task.poll = nullptr;
    if (mutated(Mutant::refused_spawn_unresolved)) return;
    return join::complete(task);
  }
  enqueue(task);
}

void StealingExecutorBase::reclaim(TaskHeader& task) noexcept {
  if (mutated(Mutant::finished_tasks_kept)) return;
  retire(task);
  shared_headers().put(task);
}

void StealingExecutorBase::enqueue(TaskHeader& task) noexcept {
  if (mutated(Mutant::task_queued_on_wakers_worker) && current_worker) return current_worker->executor->push(*current_worker, task);
  if (on_own_thread()) {
    current_worker->wakes_local.add();
    if (mutated(Mutant::wake_resumes_inline)) return poll(*current_worker, task);
    return push(*current_worker, task);
  }
  visitors_.fetch_add(1, relaxed);  // before the push: whoever ends the task, and then this executor, sees us
  inject(task);
  notify();
  visitors_.fetch_sub(1, release);
}

void StealingExecutorBase::enqueue_remote(TaskHeader&) noexcept {}  // shared tasks have no remote word to be queued by

void StealingExecutorBase::push(Worker& worker, TaskHeader& task) noexcept {
  if (!worker.queue.push(task)) [[unlikely]]
    return inject(task);
  offer_surplus(worker);
}

void StealingExecutorBase::offer_surplus(Worker& worker, std::size_t left) noexcept {
  if (thieves_ == RunQueue::Thieves::none) return;
  // One task this worker runs itself, without anybody's help; a second one is worth a sleeper, or a driver, which may be waiting:
  // with two workers there is no other idle one. (This worker doesn't drive while it queues tasks.)
  const bool somebody_may_be_idle = lot_.sleeping() != 0 || role_.probably_taken();
  if (somebody_may_be_idle && (left != 0 || worker.queue.size() > 1)) [[unlikely]]
    notify();
}

// Who queued them may have woken this worker only, for all of them: meanwhile it counted as searching.
void StealingExecutorBase::pass_the_search_on(Worker& worker, std::size_t left) noexcept {
  if (!mutated(Mutant::search_ends_with_the_first)) offer_surplus(worker, left);
}

void StealingExecutorBase::inject(TaskHeader& task) noexcept {
  LockGuard lock{injection_mutex_};
  injected_.push(task);
  wakes_remote_.add();
  injected_count_.store(injected_count_.load(relaxed) + 1, seq_cst);
}

void StealingExecutorBase::deliver(Worker& worker, WakeBatch& batch) noexcept {
  worker.wakes_local.add(batch.size());
  if (batch.suppressed()) worker.wakes_suppressed.add(batch.suppressed());
  TaskHeader* rest =
      worker.queue.push_list(batch.release_tasks(), [this](TaskHeader& task) { return task.executor.load(relaxed) == this; });
  while (rest) [[unlikely]] {  // another runtime's, or our queue is full
    TaskHeader& task = *std::exchange(rest, rest->next);
    Executor* const owner = task.executor.load(relaxed);
    if (owner == this) {
      push(worker, task);
    } else {
      owner->enqueue(task);
    }
  }
  batch.waiters().wake_all();
  offer_surplus(worker);
}

void StealingExecutorBase::deliver_from_outside(WakeBatch& batch) noexcept {
  if (TaskHeader* task = batch.release_tasks()) {
    TaskHeader* others = nullptr;
    visitors_.fetch_add(1, relaxed);  // as in enqueue()
    {
      LockGuard lock{injection_mutex_};
      std::size_t ours = 0;
      while (task) {
        TaskHeader* const next = task->next;
        if (task->executor.load(relaxed) == this) [[likely]] {
          injected_.push(*task);
          ++ours;
        } else {
          task->next = std::exchange(others, task);
        }
        task = next;
      }
      wakes_remote_.add(ours);
      handoffs_.add();
      injected_count_.store(injected_count_.load(relaxed) + ours, seq_cst);
    }
    notify();
    visitors_.fetch_sub(1, release);
    while (others) {
      TaskHeader& other = *std::exchange(others, others->next);
      other.executor.load(relaxed)->enqueue(other);
    }
  }
  batch.waiters().wake_all();
}

// --- tasks out --------------------------------------------------------------------------------------------------------------

TaskHeader* StealingExecutorBase::next_task_elsewhere(Worker& worker) noexcept {
  if (TaskHeader* const task = take_injected(worker)) return task;
  if (TaskHeader* const task = worker.queue.pop()) return task;
  return steal(worker);
}

TaskHeader* StealingExecutorBase::take_injected(Worker& worker) noexcept {
  if (injected_count_.load(acquire) == 0) [[likely]]
    return nullptr;
  UniqueLock<PlainMutex> lock{injection_mutex_};
  const std::size_t count = injected_count_.load(relaxed);
  TaskHeader* const first = injected_.pop();
  if (!first) return nullptr;
  // A fair share, as far as it fits.
  std::size_t taken = 1;
  const std::size_t share = std::min<std::size_t>((count + workers_.size() - 1) / workers_.size(), RunQueue::capacity / 2);
  while (taken < share && !worker.queue.full()) {
    worker.queue.push(*injected_.pop());
    ++taken;
  }
  injected_count_.store(count - taken, seq_cst);
  lock.unlock();
  pass_the_search_on(worker, /*left=*/count - taken);
  return first;
}

TaskHeader* StealingExecutorBase::steal(Worker& worker) noexcept {
  TaskHeader* loot[RunQueue::capacity];
  for (std::size_t k = 1; k < workers_.size(); ++k) {
    Worker& victim = *workers_[(worker.index + k) % workers_.size()];
    const std::uint32_t n = victim.queue.steal_half(loot);
    if (n == 0) continue;
    worker.steals.add(n);
    for (std::uint32_t i = 1; i < n; ++i) worker.queue.push(*loot[i]);  // it is empty: half of a full queue fits
    if (mutated(Mutant::stolen_task_forgets_wakers)) loot[0]->remote.fetch_add(std::uint64_t{1} << 32, relaxed);
    pass_the_search_on(worker, /*left=*/0);
    return loot[0];
  }
  return nullptr;
}

// --- one task ---------------------------------------------------------------------------------------------------------------

void StealingExecutorBase::begin_turn(Worker& worker) noexcept {
  const unsigned counted = std::exchange(worker.polls_since_turn, 0) + std::exchange(worker.polls_since_look, 0);
  worker.polls.add(counted - std::exchange(worker.no_polls, 0));
}

void StealingExecutorBase::settle_slow(Worker& worker, TaskHeader& task) noexcept {
  switch (task.action) {
    case TaskAction::park:  // woken while it ran
      if (mutated(Mutant::wake_while_running_ignored)) return task.wakes.store(0, release);
      if (mutated(Mutant::wakes_not_coalesced) && task.wakes.load(relaxed) > 1) task.wakes.fetch_sub(1, relaxed);
      return push(worker, task);
    case TaskAction::yield_spent:
      if (!mutated(Mutant::spent_budget_is_one_poll)) {
        worker.polls_since_look += leaf_budget - 1;
        worker.no_polls += leaf_budget - 1;
      }
      [[fallthrough]];
    case TaskAction::yield: task.action = TaskAction::park; return push(worker, task);
    case TaskAction::finish: return finish(task);
  }
}

void StealingExecutorBase::finish(TaskHeader& task) noexcept {
  const std::coroutine_handle<> frame = std::exchange(task.frame, nullptr);
  const bool failed = task.outcome == TaskOutcome::exception;
  if (!mutated(Mutant::join_done_before_frame_gone)) frame.destroy();
  join::complete(task);
  if (mutated(Mutant::join_done_before_frame_gone)) frame.destroy();
  while (failed && mutated(Mutant::failed_task_ends_batch) && current_worker->queue.pop()) {
  }
  count_finished();
}

void StealingExecutorBase::destroy_cancelled(TaskHeader& task) noexcept {
  const std::coroutine_handle<> root = PromiseBase::root_of(std::exchange(task.frame, nullptr));
  {
    UniqueLock<PlainMutex> lock{injection_mutex_, std::defer_lock};
    if (mutated(Mutant::frame_destroyed_under_lock)) lock.lock();
    if (!mutated(Mutant::unfinished_frames_leaked)) root.destroy();
  }
  task.outcome = TaskOutcome::cancelled;
  task.poll = nullptr;
  if (mutated(Mutant::destroyed_task_can_be_woken)) task.wakes.store(0, release);
  join::complete(task);
  count_finished();
}

bool StealingExecutorBase::look_around(Worker& worker) noexcept {
  worker.polls_since_turn += std::exchange(worker.polls_since_look, 0);
  if (TaskHeader* const task = take_injected(worker)) poll(worker, *task);
  flush_requests();
  if (worker.polls_since_turn < polls_per_turn) return false;
  begin_turn(worker);
  return !mutated(Mutant::reactor_polled_only_when_idle);
}

void StealingExecutorBase::destroy_queued(Worker& worker) noexcept {
  while (TaskHeader* const task = next_task(worker)) destroy_cancelled(*task);
}

void StealingExecutorBase::count_finished() noexcept {
  if (on_own_thread()) {
    current_worker->finished.add();
  } else {
    finished_elsewhere_.fetch_add(1, seq_cst);
  }
  if (!draining_.load(relaxed)) [[likely]]
    return;
  ended_.fetch_add(1, release);
  sys::futex_wake(ended_);
}

/// Not less than the number of tasks alive when the call began: what has finished is read first.
std::uint64_t StealingExecutorBase::live() const noexcept {
  std::uint64_t finished = finished_elsewhere_.load(seq_cst);
  for (const auto& worker : workers_) finished += worker->finished.read();
  std::uint64_t started = started_elsewhere_.load(seq_cst);
  for (const auto& worker : workers_) started += worker->started.read();
  return started - finished;
}

// --- sleeping and waking ------------------------------------------------------------------------------------------------------

bool StealingExecutorBase::has_work(const Worker& worker) const noexcept {
  if (injected_count_.load(seq_cst) != 0) return true;
  return std::any_of(workers_.begin(), workers_.end(),
                     [&](const auto& other) { return other.get() != &worker && other->queue.size() != 0; });
}

void StealingExecutorBase::notify() noexcept {
  full_fence();  // the work is published before we look at who sleeps; pairs with park()
  if (mutated(Mutant::all_workers_woken)) lot_.wake_all();
  if (lot_.searching() != 0) return;
  if (lot_.sleeping() != 0 && lot_.wake_one()) return;
  if (driver_waits()) kick_driver();
}

void StealingExecutorBase::park(Worker& worker) noexcept {
  sync_point(SyncPoint::park_queue_empty);
  if (lot_.park(worker.spot, [&] { return has_work(worker) || role_.vacant() || stopping(); })) worker.parks.add();
}

// --- shutdown ---------------------------------------------------------------------------------------------------------------

void StealingExecutorBase::shut_down(TimePoint drain_until) noexcept {
  drain(drain_until);
  UniqueLock<PlainMutex> lock{end_mutex_, std::defer_lock};
  if (!mutated(Mutant::shutdown_not_exclusive)) lock.lock();
  cancel_everything();
  stop_threads();
}

// A task that ends just as draining begins may miss the flag, so no wait for an end is longer than this.
constexpr std::int64_t recheck_ns = 1'000'000;

bool StealingExecutorBase::drain(TimePoint until) noexcept {
  draining_.store(true, seq_cst);
  for (;;) {
    const std::uint32_t seen = ended_.load(acquire);
    if (live() == 0) return true;
    if (clock::now() >= until) return false;
    sys::futex_wait_for(ended_, seen, recheck_ns);
  }
}

void StealingExecutorBase::cancel_everything() noexcept {
  poll_limit_.store(0, seq_cst);
  draining_.store(true, seq_cst);
  sync_point(SyncPoint::shutdown_marked);
  // Whatever a worker takes from a queue from here on is destroyed, so a wake is all it needs: harmless if the header has
  // another owner by the time it gets there. Tasks that this pass misses are met by the next.
  for (;;) {
    const std::uint32_t seen = ended_.load(acquire);
    if (live() == 0) return;
    TaskArena::for_each([this](TaskHeader& task) {
      if (task.executor.load(acquire) == this && !join::is_done(task)) wake_shared(task);
    });
    sys::futex_wait_for(ended_, seen, recheck_ns);
  }
}

DriverRole& UndrivenExecutor::nobodys_role() noexcept {
  static DriverRole role{DriverRole::Holder::elsewhere};
  return role;
}

void UndrivenExecutor::run(Worker& worker) noexcept {
  work(worker, [](Worker&, bool) {});  // the role is never to be had
}

ExecutorStats StealingExecutorBase::stats() const noexcept {
  ExecutorStats stats;
  stats.live_tasks = live();
  for (const auto& worker : workers_) {
    stats.polls += worker->polls.read();
    stats.wakes_local += worker->wakes_local.read();
    stats.wakes_suppressed += worker->wakes_suppressed.read();
    stats.steals += worker->steals.read();
    stats.worker_parks += worker->parks.read();
  }
  stats.wakes_remote = wakes_remote_.read();
  stats.handoffs = handoffs_.read();
  return stats;
}

}  // namespace reactorlab
