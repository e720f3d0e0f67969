#include "impls/dedicated_thread/reactor.hpp"

namespace reactorlab::dedicated_thread_home {

void DedicatedReactor::start(StealingExecutorBase& executor) {
  executor_ = &executor;
  thread_ = sys::start_thread([this] { run(); });
}

void DedicatedReactor::stop() noexcept {
  stopping_.store(true, seq_cst);
  wait_.kick();
  LockGuard lock{stop_mutex_};
  if (thread_.joinable()) thread_.join();
}

// --- timers -------------------------------------------------------------------------------------------------------------------

IoResult DedicatedReactor::start_timer(Timer& timer, TimePoint deadline) noexcept {
  const std::uint64_t deadline_ns = nanoseconds_of(deadline);
  bool earlier;
  {
    LockGuard lock{mutex_};
    if (ended_) return -ESHUTDOWN;
    if (!timers_.start(timer, deadline_ns)) return -ENOMEM;
    earlier = deadline_ns < next_deadline_.load(relaxed);
    if (earlier) next_deadline_.store(deadline_ns, seq_cst);
  }
  announce(earlier);
  return 0;
}

void DedicatedReactor::stop_timer(Timer& timer) noexcept {
  {
    LockGuard lock{mutex_};
    timers_.stop(timer);
  }
  announce(/*earlier=*/false);
}

void DedicatedReactor::announce(bool earlier) noexcept {
  if (ablation_ == Ablation::kick_per_command) return wait_.kick_anyway();
  if ((earlier && !mutated(Mutant::earlier_timer_unannounced)) || timers_.queued() > most_queued) wait_.kick();
}

// --- the reactor thread -------------------------------------------------------------------------------------------------------

void DedicatedReactor::run() noexcept {
  // Otherwise each packet preempts the worker that runs what the last one woke, and batches shrink to one.
  if (ablation_ != Ablation::no_batch_class) sys::prefer_batch_scheduling();
  while (turn() && !stopping_.load(seq_cst)) {
  }
  end();
}

bool DedicatedReactor::turn() noexcept {
  if (timers_.queued() != 0) {
    LockGuard lock{mutex_};
    timers_.carry_out();
    next_deadline_.store(reactor_.wheel().next_deadline_ns().value_or(no_deadline), relaxed);
  }
  const IoResult n = wait_.wait(
      batch_, [this] { return timers_.queued() != 0 || stopping_.load(seq_cst); },
      [this] { return wait_timeout_ms(next_deadline_.load(seq_cst)); });
  sync_point(SyncPoint::poll_returned);
  turns_.add();
  if (!n && n.error() != EINTR && !mutated(Mutant::failed_wait_repeated)) return false;

  std::span<const Event> events{batch_, n ? n.count() : 0};
  events_.add(events.size());
  WakeBatch batch;
  for (; ablation_ == Ablation::handoff_per_event && events.size() > 1; events = events.subspan(1)) {
    reactor_.dispatch<access>(events.first(1), Sink{*this, batch});
    executor_->deliver_from_outside(batch);
  }
  reactor_.dispatch<access>(events, Sink{*this, batch});
  if (events.empty() || !mutated(Mutant::timers_need_a_quiet_turn)) fire_due(batch);
  sync_point(SyncPoint::dispatch_collected);
  executor_->deliver_from_outside(batch);
  return true;
}

void DedicatedReactor::fire_due(WakeBatch& batch) noexcept {
  const std::uint64_t next = next_deadline_.load(relaxed);
  if (next == no_deadline) return;
  std::uint64_t now = nanoseconds_of(clock::now());
  if (now < next && mutated(Mutant::timers_fire_on_empty_wait)) now = next;
  if (now < next) return;
  bool fired;
  {
    LockGuard lock{mutex_};
    timers_.carry_out();  // what is due may be among it
    fired = timers_.fire(now, batch);
    next_deadline_.store(reactor_.wheel().next_deadline_ns().value_or(no_deadline), relaxed);
  }
  if (fired) sync_point(SyncPoint::timer_taken_out);
}

/// The thread was stopped, or its wait failed: nobody is to wait for it any more.
void DedicatedReactor::end() noexcept {
  if (mutated(Mutant::dead_reactor_unannounced) && !stopping_.load(seq_cst)) return;
  refuse(/*listeners_only=*/false);
  reactor_.poller().flush();
  WakeBatch batch;
  {
    LockGuard lock{mutex_};
    ended_ = true;
    timers_.refuse_all(batch);
  }
  executor_->deliver_from_outside(batch);
}

ReactorStats DedicatedReactor::stats() noexcept {
  LockGuard lock{mutex_};
  ReactorStats stats = stats_locked();
  stats.pending_timers = timers_.wanted();
  stats.turns = turns_.read();
  stats.events = events_.read();
  stats.kicks = wait_.kicks();
  return stats;
}

}  // namespace reactorlab::dedicated_thread_home
