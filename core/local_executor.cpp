#include "core/local_executor.hpp"

#include "core/clock.hpp"
#include "core/join.hpp"
#include "core/task.hpp"

namespace reactorlab {

LocalExecutor::LocalExecutor(LocalReactor& reactor) : Executor{TaskKind::confined}, reactor_{reactor} {
  if (confined_executor) {
    throw UsageError{"this thread owns a thread_local runtime already; destroy it first, or make the second one on another thread"};
  }
  confined_executor = this;
}

LocalExecutor::~LocalExecutor() {
  headers_.flush();
  confined_executor = nullptr;
}

// --- from other threads -----------------------------------------------------------------------------------------------------

void LocalExecutor::kick() noexcept {
  kicks_.fetch_add(1, relaxed);
  if (!mutated(Mutant::kick_omitted)) reactor_.reactor().poller().kick();
  if (!deaf_.load(seq_cst)) [[likely]]
    return;
  knocks_.fetch_add(1, release);
  sys::futex_wake(knocks_);
}

void LocalExecutor::enqueue_remote(TaskHeader& task) noexcept {
  inbox_.push(task, [this] { kick(); });
}

void LocalExecutor::launch_otherwise(TaskHeader& task) noexcept {
  if (!on_own_thread()) {
    // Dead to this executor until its thread takes the task in, and counts it.
    task.wakes.store(TaskHeader::dead_bit, relaxed);
    // {generation, idle} -> {generation, queued | requests}. Nobody else knows this life yet, so that a store will do.
    const std::uint64_t idle = task.remote.load(relaxed);
    task.remote.store(idle | TaskHeader::remote_queued | TaskHeader::remote_wake | TaskHeader::remote_start, release);
    if (inbox_.push_if([this] { return !closed_.load(seq_cst); }, task, [this] { kick(); })) return;
    // {generation, idle} -> {generation, orphan}: its join handle frees it.
    task.executor.store(nullptr, relaxed);
    task.remote.store(idle | TaskHeader::remote_orphan, release);
  }
  // Closed: nobody will run it; ended here, unrun.
  std::exchange(task.frame, nullptr).destroy();
  task.outcome = TaskOutcome::cancelled;
  task.poll = nullptr;
  if (mutated(Mutant::refused_spawn_unresolved)) return;
  join::complete(task);
}

void LocalExecutor::take_in(TaskHeader& task, std::uint64_t requests) noexcept {
  if (requests & TaskHeader::remote_start) {
    task.wakes.store(0, relaxed);
    ++started_;
    if (closed_.load(relaxed)) requests |= TaskHeader::remote_cancel;
  } else if (task.wakes.load(relaxed) & TaskHeader::dead_bit) {  // finished while it was on its way
    --awaiting_drain_;
    return reclaim(task);
  }
  if (requests & TaskHeader::remote_cancel) cancel(task);
  if (requests & TaskHeader::remote_wake) {
    ++wakes_remote_;
    wake_confined(task, *this);
  }
  if (requests & TaskHeader::remote_detach) join::abandon(task);
}

// --- one task ---------------------------------------------------------------------------------------------------------------

void LocalExecutor::poll(TaskHeader& task) noexcept {
  const std::uint32_t wakes = task.wakes.load(relaxed);
  const bool runs_on = mutated(Mutant::cancelled_task_runs_first) && task.poll == &resume_frame;
  if ((wakes & TaskHeader::cancel_bit) && !runs_on) [[unlikely]]
    return destroy_cancelled(task);
  task.budget = leaf_budget;
  task.poll(task);
  settle(task, wakes);
}

/// An edge took the task out of its registration: it is polled here and now unless it is queued anyway.
[[gnu::always_inline]] inline void LocalExecutor::poll_from_edge(TaskHeader& task) noexcept {
  const std::uint32_t wakes = task.wakes.load(relaxed);
  if (wakes != 0) [[unlikely]] {
    task.wakes.store(wakes + 1, relaxed);
    ++wakes_suppressed_;
    return;
  }
  ++wakes_local_;
  task.wakes.store(1, relaxed);
  task.budget = leaf_budget;
  task.poll(task);
  if (task.action == TaskAction::park && task.wakes.load(relaxed) == 1) [[likely]] {
    task.wakes.store(0, relaxed);
  } else {
    settle(task, 1);
  }
}

void LocalExecutor::settle(TaskHeader& task, std::uint32_t wakes_before) noexcept {
  switch (task.action) {
    case TaskAction::park:
      if (mutated(Mutant::wakes_not_coalesced) && wakes_before > 1) {
        task.wakes.store(task.wakes.load(relaxed) - 1, relaxed);
        return ready_.push(task);
      }
      if (mutated(Mutant::wake_while_running_ignored) ||
          (task.wakes.load(relaxed) == wakes_before && !mutated(Mutant::parked_task_polled_again))) {
        task.wakes.store(0, relaxed);
      } else {
        task.wakes.store(1 | (task.wakes.load(relaxed) & TaskHeader::cancel_bit), relaxed);
        ready_.push(task);  // it was woken while it ran
      }
      return;
    case TaskAction::yield_spent:
      if (!mutated(Mutant::spent_budget_is_one_poll)) towards_turn_ += leaf_budget - 1;
      [[fallthrough]];
    case TaskAction::yield:
      task.action = TaskAction::park;
      return mutated(Mutant::yield_keeps_its_turn) ? poll(task) : ready_.push(task);
    case TaskAction::finish: return finish(task);
  }
}

void LocalExecutor::finish(TaskHeader& task) noexcept {
  const std::coroutine_handle<> frame = std::exchange(task.frame, nullptr);
  if (!mutated(Mutant::join_done_before_frame_gone)) frame.destroy();
  ++finished_;
  if (mutated(Mutant::join_done_before_frame_gone)) return join::complete(task), frame.destroy();
  // As join::complete(), for the usual case: the joiner is a task of ours, and is still there.
  const Waker joiner = Waker::from_bits(task.join.load(relaxed));
  if (joiner.bits() <= TaskHeader::join_detached) return join::complete(task);
  TaskHeader& waiting = joiner.header();
  if (waiting.executor.load(relaxed) != this || waiting.generation() != joiner.generation()) return join::complete(task);
  task.join.store(TaskHeader::join_done, release);
  wake_confined(waiting, *this);
}

void LocalExecutor::destroy_cancelled(TaskHeader& task) noexcept {
  const std::coroutine_handle<> root = PromiseBase::root_of(std::exchange(task.frame, nullptr));
  if (!mutated(Mutant::unfinished_frames_leaked)) root.destroy();
  task.outcome = TaskOutcome::cancelled;
  task.poll = nullptr;
  if (mutated(Mutant::destroyed_task_can_be_woken)) task.wakes.store(0, relaxed);
  ++finished_;
  join::complete(task);
}

namespace {

/// {generation, idle} -> {generation + 1, idle}: nobody can post to it any more. Losing (false): it is in the inbox, or on its way
/// there; whoever drains it comes back to reclaim().
///
/// Who posts needs a join handle or a waker of this life. Both parties of the join have given the task up, and what its handle
/// posted came before that: on this thread, or in the request to detach that the inbox has brought here. And a waker is made
/// while something keeps the task alive, so that its mark is older than the end. Without the mark nobody else writes the word:
/// only late wakers of earlier lives look at it, and their compare-and-swap expects another generation. So a store will do.
[[gnu::always_inline]] inline bool end_life(TaskHeader& task) noexcept {
  std::uint64_t word = task.remote.load(relaxed);
  const std::uint64_t idle = word & readiness::generation_mask;
  const std::uint64_t next = idle + (std::uint64_t{1} << 32);
  if (word != idle) return false;
  if (task.kind.waker_made()) return task.remote.compare_exchange_strong(word, next, acq_rel, relaxed);
  task.remote.store(next, release);
  return true;
}

}  // namespace

void LocalExecutor::reclaim(TaskHeader& task) noexcept {
  if (mutated(Mutant::finished_tasks_kept)) return;
  task.wakes.store(TaskHeader::dead_bit, relaxed);
  if (!end_life(task)) {
    ++awaiting_drain_;
    return;
  }
  task.executor.store(nullptr, relaxed);
  headers_.put(task);
}

// --- the loop ---------------------------------------------------------------------------------------------------------------

struct LocalExecutor::Sink {
  LocalExecutor& executor;
  void task(TaskHeader& t) const noexcept { executor.poll_from_edge(t); }
  void crowd(Registration& slot, Direction direction) const noexcept {
    WaiterList waiters;
    Reactor::take_waiters(slot, direction, waiters);
  }
};

void LocalExecutor::turn(bool may_block, TimePoint wait_no_longer_than) noexcept {
  Reactor& reactor = reactor_.reactor();
  int timeout = 0;
  if (may_block) {
    sync_point(SyncPoint::wait_unannounced);
    const bool quiet = mutated(Mutant::announced_too_late) ? inbox_.empty() : inbox_.fall_asleep();
    if (quiet || mutated(Mutant::second_look_omitted)) {
      const std::uint64_t next = reactor.wheel().next_deadline_ns().value_or(UINT64_MAX);
      timeout = wait_timeout_ms(std::min(next, nanoseconds_of(wait_no_longer_than)));
    }
    sync_point(SyncPoint::poll_before_block);
    if (mutated(Mutant::announced_too_late)) inbox_.fall_asleep();
  }
  IoResult n = reactor.poller().wait(events_, timeout);
  if (mutated(Mutant::interrupted_wait_unannounced) && n == IoResult{-EINTR}) {
    inbox_.awake();
    n = reactor.poller().wait(events_, timeout);
  }
  if (!n) [[unlikely]]
    bear_failed_wait(n.error(), timeout);
  inbox_.awake();
  sync_point(SyncPoint::poll_returned);
  ++turns_;
  if (n) reactor.dispatch<Access::confined>(std::span<const Event>{events_, n.count()}, Sink{*this});
  if (!reactor.wheel().empty() && !(mutated(Mutant::timers_need_a_quiet_turn) && n.value() > 0)) fire_due();
  inbox_.drain([this](TaskHeader& task, std::uint64_t requests) { take_in(task, requests); });
}

/// Nothing comes from the reactor any more, and whoever waits for it is told so. Tasks go on, and other threads still reach them:
/// from the second time on the owner sleeps here, where its wait was to have been.
void LocalExecutor::bear_failed_wait(int error, int timeout_ms) noexcept {
  if (error == EINTR || mutated(Mutant::failed_wait_repeated)) return;
  // hearing -> deaf, before the next announcement: whoever answers that one knows where to knock.
  if (!deaf_.exchange(true, seq_cst)) return reactor_.end();
  const std::uint32_t seen = knocks_.load(acquire);
  if (timeout_ms == 0 || !inbox_.empty()) return;  // who knocked before that load had pushed by then
  if (timeout_ms < 0) return sys::futex_wait(knocks_, seen);
  constexpr std::int64_t ns_per_ms = 1'000'000;
  sys::futex_wait_for(knocks_, seen, timeout_ms * ns_per_ms);
}

void LocalExecutor::fire_due() noexcept {
  TimerWheel& wheel = reactor_.reactor().wheel();
  std::uint64_t now = nanoseconds_of(clock::now());
  if (mutated(Mutant::timers_fire_on_empty_wait)) now = std::max(now, wheel.next_deadline_ns().value_or(0));
  wheel.advance(now, [this](TimerEntry& entry) {
    auto& timer = static_cast<Timer&>(entry);
    timer.fired.store(true, relaxed);
    sync_point(SyncPoint::timer_taken_out);
    ++wakes_local_;
    wake_confined(*timer.task, *this);
  });
}

void LocalExecutor::run_until_done(const TaskHeader& root) {
  if (running_ && !mutated(Mutant::nested_block_on_accepted))
    throw UsageError{"block_on inside a task of the same runtime; co_await the task instead"};
  running_ = true;
  // What other threads asked for before the run comes before its first poll: a task that they cancelled doesn't begin (TSK-15).
  inbox_.drain([this](TaskHeader& task, std::uint64_t requests) {
    if (!mutated(Mutant::run_forgets_earlier_wakes)) take_in(task, requests);
  });
  while (root.join.load(relaxed) != TaskHeader::join_done || (mutated(Mutant::block_on_waits_for_all) && live())) {
    TaskHeader* const task = towards_turn_ >= polls_per_turn ? nullptr : ready_.pop();
    if (!task) {
      const bool may_block = ready_.empty();
      if (may_block || !mutated(Mutant::reactor_polled_only_when_idle)) turn(may_block);
      // Only now: what an edge polled in the turn doesn't bring the next one before those who are ready.
      towards_turn_ = 0;
      continue;
    }
    ++towards_turn_;
    ++polls_;
    poll(*task);
  }
  running_ = mutated(Mutant::failed_run_stays_entered) && root.outcome == TaskOutcome::exception;
}

// --- shutdown ---------------------------------------------------------------------------------------------------------------

void LocalExecutor::shut_down(TimePoint drain_until) noexcept {
  running_ = true;
  const auto run_ready = [this] {
    for (towards_turn_ = 0; towards_turn_ < polls_per_turn; ++towards_turn_) {
      TaskHeader* const task = ready_.pop();
      if (!task) return;
      poll(*task);
    }
  };
  while (live() && clock::now() < drain_until) {
    run_ready();
    if (live()) turn(ready_.empty(), drain_until);
  }
  closed_.store(true, seq_cst);  // before we look for visitors: who comes later finds it
  sync_point(SyncPoint::shutdown_marked);
  cancel_everything();
  // Requests that are under way pin their task, and with it this executor: their posters are between two instructions. Who goes
  // on waking what has ended can't hold us up: nothing is posted to an orphan.
  do {
    run_ready();
    inbox_.drain([this](TaskHeader& task, std::uint64_t requests) { take_in(task, requests); });
    relax();
    if (!live()) orphan_finished();
  } while (live() || !inbox_.empty() || inbox_.visited() || awaiting_drain_ != 0);
  running_ = false;
}

void LocalExecutor::cancel_everything() noexcept {
  TaskArena::for_each([this](TaskHeader& task) {
    if (task.executor.load(relaxed) != this || join::is_done(task)) return;
    if (task.wakes.load(relaxed) & TaskHeader::dead_bit) return;
    cancel(task);
  });
}

void LocalExecutor::orphan_finished() noexcept {
  TaskArena::for_each([this](TaskHeader& task) {
    // One that isn't done is another thread's that has just been adopted: its start is on its way to the inbox.
    if (task.executor.load(relaxed) != this || !join::is_done(task)) return;
    std::uint64_t idle = task.remote.load(relaxed) & readiness::generation_mask;
    // {generation, idle} -> {generation, orphan}: its join handle frees it. Losing: a handle's request is on its way.
    while (!task.remote.compare_exchange_weak(idle, idle | TaskHeader::remote_orphan, acq_rel, relaxed)) {
      inbox_.drain([this](TaskHeader& other, std::uint64_t requests) { take_in(other, requests); });
      if (task.executor.load(relaxed) != this) return;
      relax();
      idle &= readiness::generation_mask;
    }
    task.executor.store(nullptr, release);
  });
}

ExecutorStats LocalExecutor::stats() const noexcept {
  ExecutorStats stats;
  stats.live_tasks = started_ - finished_;
  stats.polls = polls_;
  stats.wakes_local = wakes_local_;
  stats.wakes_remote = wakes_remote_;
  stats.wakes_suppressed = wakes_suppressed_;
  return stats;
}

}  // namespace reactorlab
