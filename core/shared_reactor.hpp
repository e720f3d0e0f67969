#pragma once
// A reactor that several threads share: registrations and wheel behind one mutex, which isn't held across the wait, a first
// registration with the kernel, or a wake. Whoever holds the driver role waits and dispatches; everything else may be called from
// any thread.

#include "core/clock.hpp"
#include "core/driver_role.hpp"
#include "core/interruptible_wait.hpp"
#include "core/shared_registrations.hpp"

namespace reactorlab {

/// Those of homes that are a SharedReactor and a StealingExecutor.
template <Locking locking>
inline constexpr Ablations shared_ablations =
    locking == Locking::coarse ? Ablations{Ablation::held_lock, Ablation::spin_then_park} : Ablations{Ablation::spin_then_park};

template <Locking locking>
class SharedReactor : public SharedRegistrations<locking> {
  using Registrations = SharedRegistrations<locking>;
  using Registrations::mutex_;
  using Registrations::reactor_;

 public:
  explicit SharedReactor(Backend backend, Ablation ablation = Ablation::none)
      : Registrations{backend, ablation}, waits_locked_{ablation == Ablation::held_lock} {
    if (waits_locked_) mutex_.when_held(&SharedReactor::lock_wanted, this);
  }

  // --- timers: any thread -------------------------------------------------------------------------------------------------

  IoResult start_timer(Timer& timer, TimePoint deadline, Owner owner = 0) noexcept {
    bool earlier = false;
    {
      LockGuard lock{mutex_};
      if (this->refuses(owner)) return -ESHUTDOWN;
      timer.owner = owner;
      reactor_.wheel().insert(timer, nanoseconds_of(deadline));
      earlier = shorten_wait(rounded_deadline_ns(timer));
    }
    if (earlier && !mutated(Mutant::earlier_timer_unannounced)) kick_if_waiting();
    return 0;
  }
  void stop_timer(Timer& timer) noexcept {
    LockGuard lock{mutex_};
    reactor_.wheel().cancel(timer);
  }

  /// A runtime's shutdown, as for registrations: a timer that pends still is another runtime's task's, and nobody may be left to
  /// fire it. Its sleeper is woken and finds -ESHUTDOWN.
  void refuse(bool listeners_only, Owner owner = 0) noexcept {
    Registrations::refuse(listeners_only, owner);
    if (listeners_only || mutated(Mutant::foreign_sleepers_forgotten)) return;
    WakeBatch batch;
    {
      LockGuard lock{mutex_};
      reactor_.wheel().take_out_if([&](TimerEntry& entry) { return static_cast<Timer&>(entry).owner == owner; },
                                   [&](TimerEntry& entry) { refuse_timer(entry, batch); });
    }
    batch.deliver_anywhere();
  }

  // --- the driver -----------------------------------------------------------------------------------------------------------

  /// Waits for events. With `may_block` it waits until the next deadline or a kick, unless has_work() says after the
  /// announcement that there is something to do. How many; or -errno if there can be none any more: then end() is next.
  template <class HasWork>
  IoResult wait(std::span<Event> events, bool may_block, HasWork&& has_work) noexcept {
    const IoResult n = may_block ? block(events, has_work) : reactor_.poller().wait(events, 0);
    sync_point(SyncPoint::poll_returned);
    role_.count_turn();
    if (n) [[likely]]
      return n;
    return n.error() == EINTR || mutated(Mutant::failed_wait_repeated) ? IoResult{0} : n;
  }

  /// After a failed wait: whoever waits, for a descriptor or for time, gets -ESHUTDOWN, and so does who comes later, whichever
  /// runtime's. Gives the driver role up, for good. The wakes are the caller's to deliver.
  void end(WakeBatch& batch) noexcept {
    role_.abolish();
    if (mutated(Mutant::dead_reactor_unannounced)) return;
    LockGuard lock{mutex_};
    this->refuse_everybody(batch);
    reactor_.wheel().clear([&](TimerEntry& entry) { refuse_timer(entry, batch); });
    next_deadline_.store(no_deadline, relaxed);
  }

  /// Stores what the events say and fires what is due; the wakes are the caller's to deliver.
  void dispatch(std::span<const Event> events, WakeBatch& batch) noexcept {
    events_.add(events.size());
    const bool timers_too = events.empty() || !mutated(Mutant::timers_need_a_quiet_turn);
    bool fired = false;
    if constexpr (locking == Locking::coarse) {
      LockGuard lock{mutex_};
      reactor_.template dispatch<Registrations::access>(events, typename Registrations::Sink{*this, batch});
      fired = timers_too && fire_due(batch);
      if (mutated(Mutant::wake_inside_lock)) batch.deliver_anywhere();
    } else {
      reactor_.template dispatch<Registrations::access>(events, typename Registrations::Sink{*this, batch});
      if (timers_too && next_deadline_.load(relaxed) != no_deadline) {
        LockGuard lock{mutex_};
        fired = fire_due(batch);
      }
    }
    if (fired) sync_point(SyncPoint::timer_taken_out);
    sync_point(SyncPoint::dispatch_collected);
  }

  /// Ends the driver's wait, if it waits. Any thread.
  void kick_if_waiting() noexcept { wait_.kick(); }
  void flush_requests() noexcept { reactor_.poller().flush(); }
  DriverRole& role() noexcept { return role_; }
  bool driver_waits() const noexcept { return wait_.announced(); }

  ReactorStats stats() noexcept {
    LockGuard lock{mutex_};
    ReactorStats stats = this->stats_locked();
    stats.turns = role_.turns();
    stats.events = events_.read();
    stats.kicks = wait_.kicks();
    return stats;
  }

 private:
  static constexpr std::uint64_t no_deadline = UINT64_MAX;

  template <class HasWork>
  IoResult block(std::span<Event> events, HasWork& has_work) noexcept {
    if (mutated(Mutant::lock_held_across_wait)) {
      LockGuard lock{mutex_};
      return reactor_.poller().wait(events, wait_timeout_ms(next_deadline_.load(seq_cst)));
    }
    const auto limit = [this] { return wait_timeout_ms(next_deadline_.load(seq_cst)); };
    if (waits_locked_) [[unlikely]] {
      // Who was told that the wait is over gets the lock before the next one begins; the mutex by itself isn't fair.
      while (const std::uint32_t count = mutex_.waiting().load(seq_cst)) sys::futex_wait(mutex_.waiting(), count);
      LockGuard lock{mutex_};
      const auto wanted = [&] { return has_work() || mutex_.waiting().load(seq_cst) != 0; };
      return wait_.wait(events, wanted, limit);
    }
    return wait_.wait(events, has_work, limit);
  }

  /// Of the ablation held_lock.
  static void lock_wanted(void* reactor, bool locked) noexcept {
    auto& self = *static_cast<SharedReactor*>(reactor);
    if (locked)
      sys::futex_wake(self.mutex_.waiting());
    else
      self.kick_if_waiting();
  }

  static void refuse_timer(TimerEntry& entry, WakeBatch& batch) noexcept {
    auto& timer = static_cast<Timer&>(entry);
    TaskHeader& task = *timer.task;
    batch.take_any(task, [&] { timer.refuse(); });
  }

  /// REQUIRES mutex. True if the driver may be waiting for something later than this.
  bool shorten_wait(std::uint64_t deadline_ns) noexcept {
    if (deadline_ns >= next_deadline_.load(relaxed)) return false;
    next_deadline_.store(deadline_ns, seq_cst);
    return true;
  }

  /// REQUIRES mutex. True if any timer fired.
  bool fire_due(WakeBatch& batch) noexcept {
    const std::uint64_t next = next_deadline_.load(relaxed);
    if (next == no_deadline) return false;
    const std::uint64_t now = nanoseconds_of(clock::now());
    if (now < next && !mutated(Mutant::timers_fire_on_empty_wait)) return false;
    const std::size_t fired =
        reactor_.wheel().advance(mutated(Mutant::timers_fire_on_empty_wait) ? next : now, [&](TimerEntry& entry) {
          auto& timer = static_cast<Timer&>(entry);
          TaskHeader& task = *timer.task;
          batch.take_any(task, [&] { timer.fired.store(true, release); });
        });
    next_deadline_.store(reactor_.wheel().next_deadline_ns().value_or(no_deadline), relaxed);
    return fired != 0;
  }

  const bool waits_locked_;
  Atomic<std::uint64_t> next_deadline_{no_deadline};  // written with mutex_ held; not later than the earliest timer
  DriverRole role_;
  InterruptibleWait wait_{reactor_.poller()};
  OwnedCounter events_;  // the driver's
};

}  // namespace reactorlab
