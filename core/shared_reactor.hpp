#pragma once
// A reactor that several threads share. One mutex guards the slab and the wheel; Locking says what else it guards:
//   coarse  also the registration words: taken once per park and once per turn for a whole batch of events;
//   fine    the words are atomic, and a message in the steady state takes no lock.
// Never held across the wait, a first registration with the kernel, or a wake. Whoever holds the driver role waits
// and dispatches; everything else may be called from any thread.

#include <bitset>

#include "core/clock.hpp"
#include "core/driver_role.hpp"
#include "core/reactor.hpp"
#include "core/sync.hpp"

namespace reactorlab {

enum class Locking : std::uint8_t { coarse, fine };

template <Locking locking>
class SharedReactor {
 public:
  static constexpr Access access = locking == Locking::coarse ? Access::plain : Access::atomic;

  explicit SharedReactor(Backend backend) : reactor_{backend} {
    closed_.set();
    closed_.reset(/*owner=*/0);
  }

  // --- registrations: any thread ------------------------------------------------------------------------------------------

  /// `owner`: the runtime that asks, where several share the reactor.
  IoResult add(int fd, SourceKind kind, Interest interest, Registration*& out, Owner owner = 0) noexcept {
    Registration* slot;
    {
      LockGuard lock{mutex_};
      if (closed_.test(owner)) return -ESHUTDOWN;
      slot = reactor_.reserve(fd, kind, owner);
    }
    if (!slot) return -ENOMEM;
    const IoResult announced = reactor_.announce(*slot, fd, interest);
    if (!announced) {
      if (mutated(Mutant::failed_add_kept)) return announced;
      LockGuard lock{mutex_};
      reactor_.slab().remove(*slot);
      return announced;
    }
    sync_point(SyncPoint::add_after_kernel);
    out = slot;
    return 0;
  }

  void remove(Registration& slot, int fd, FdFate fate) noexcept {
    if (mutated(Mutant::closed_before_deregistered) && fate == FdFate::close) sys::close(fd);
    if (!reactor_.withdraw(fd) && mutated(Mutant::failed_remove_leaks_slot)) return;
    sync_point(SyncPoint::remove_after_kernel);
    WakeBatch batch;
    {
      LockGuard lock{mutex_};
      reactor_.retire_slot(slot, [&](TaskHeader& task) { batch.take(task); }, batch.waiters());
    }
    batch.deliver_anywhere();
    if (!mutated(Mutant::closed_before_deregistered) && fate == FdFate::close) sys::close(fd);
  }

  IoResult widen(Registration& slot, int fd, Interest interest) noexcept {
    LockGuard lock{mutex_};
    return reactor_.widen(slot, fd, interest);
  }

  // --- parking: any thread ------------------------------------------------------------------------------------------------

  [[gnu::always_inline]] Armed arm(Registration& slot, Direction direction, TaskHeader& task, std::uint64_t& identity) noexcept {
    auto& word = slot.word(direction);
    if (task.kind != TaskKind::shared) [[unlikely]] return join_crowd(slot, direction, task, identity);
    if constexpr (locking == Locking::coarse) {
      LockGuard lock{mutex_};
      const Armed armed = readiness::arm<access>(word, task, identity);
      if (armed != Armed::crowded) [[likely]] return armed;
    } else {
      const Armed armed = readiness::arm<access>(word, task, identity);
      if (armed != Armed::crowded) [[likely]] return armed;
    }
    return join_crowd(slot, direction, task, identity);
  }

  bool is_parked(const Registration& slot, Direction direction, const TaskHeader& task) noexcept {
    const std::uint64_t word = slot.word(direction).load(acquire);
    if ((word & readiness::parked) && readiness::task_offset(word) == TaskArena::offset_of(task)) return true;
    if (!(word & readiness::more)) return false;
    LockGuard lock{mutex_};
    return Reactor::has_waiter(slot, direction, task);
  }

  void disarm(Registration& slot, Direction direction, std::uint64_t identity, const TaskHeader& task) noexcept {
    if constexpr (locking == Locking::fine) {
      if (!readiness::disarm<access>(slot.word(direction), identity, task)) return;
    }
    LockGuard lock{mutex_};
    if constexpr (locking == Locking::coarse) {
      if (!readiness::disarm<access>(slot.word(direction), identity, task)) return;
    }
    if (Reactor::remove_waiter(slot, direction, task)) reactor_.template settle_crowd<access>(slot, direction);
  }

  // --- timers: any thread -------------------------------------------------------------------------------------------------

  IoResult start_timer(Timer& timer, TimePoint deadline, Owner owner = 0) noexcept {
    bool earlier = false;
    {
      LockGuard lock{mutex_};
      if (closed_.test(owner)) return -ESHUTDOWN;
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

  // --- the driver -----------------------------------------------------------------------------------------------------------

  /// Waits for events. With `may_block` it waits until the next deadline or a kick, unless has_work() says after the
  /// announcement that there is something to do: so a push that comes later finds the announcement and kicks (XTH-02).
  template <class HasWork>
  std::size_t wait(std::span<Event> events, bool may_block, HasWork&& has_work) noexcept {
    int timeout = 0;
    if (may_block) {
      sync_point(SyncPoint::wait_unannounced);
      if (!mutated(Mutant::announced_too_late)) waiting_.store(true, seq_cst);
      if (mutated(Mutant::second_look_omitted) || !has_work()) timeout = wait_timeout_ms(next_deadline_.load(seq_cst));
      sync_point(SyncPoint::poll_before_block);
      if (mutated(Mutant::announced_too_late)) waiting_.store(true, seq_cst);
    }
    IoResult n;
    if (mutated(Mutant::lock_held_across_wait)) {
      LockGuard lock{mutex_};
      n = reactor_.poller().wait(events, timeout);
    } else {
      n = reactor_.poller().wait(events, timeout);
    }
    if (mutated(Mutant::interrupted_wait_unannounced) && n == IoResult{-EINTR}) {
      waiting_.store(false, seq_cst);
      n = reactor_.poller().wait(events, timeout);
    }
    if (may_block) waiting_.store(false, relaxed);
    sync_point(SyncPoint::poll_returned);
    role_.count_turn();
    return n ? n.count() : 0;
  }

  /// Stores what the events say and fires what is due; the wakes are the caller's to deliver.
  void dispatch(std::span<const Event> events, WakeBatch& batch) noexcept {
    events_.add(events.size());
    bool fired = false;
    if constexpr (locking == Locking::coarse) {
      LockGuard lock{mutex_};
      reactor_.template dispatch<access>(events, Sink{*this, batch});
      fired = fire_due(batch);
      if (mutated(Mutant::wake_inside_lock)) batch.deliver_anywhere();
    } else {
      reactor_.template dispatch<access>(events, Sink{*this, batch});
      if (next_deadline_.load(relaxed) != no_deadline) {
        LockGuard lock{mutex_};
        fired = fire_due(batch);
      }
    }
    if (fired) sync_point(SyncPoint::timer_taken_out);
    sync_point(SyncPoint::dispatch_collected);
  }

  /// Ends the driver's wait, if it waits. Any thread. Pairs with the announcement in wait().
  void kick_if_waiting() noexcept {
    if (waiting_.load(seq_cst) && (mutated(Mutant::kick_for_every_wake) || waiting_.exchange(false, seq_cst))) {
      kicks_.fetch_add(1, relaxed);
      if (!mutated(Mutant::kick_omitted)) reactor_.poller().kick();
    }
  }
  DriverRole& role() noexcept { return role_; }
  bool driver_waits() const noexcept { return waiting_.load(relaxed); }

  /// A runtime's shutdown: no new registrations (unless only listeners are refused), whoever is parked is woken and finds
  /// -ESHUTDOWN.
  void refuse(bool listeners_only, Owner owner = 0) noexcept {
    WakeBatch batch;
    {
      LockGuard lock{mutex_};
      if (!listeners_only) closed_.set(owner);
      reactor_.template refuse<access>(listeners_only, owner, LockedSink{batch});
    }
    batch.deliver_anywhere();
  }

  /// One more runtime shares the reactor. Owners are reused as late as possible: handles may outlive their runtime.
  Owner open() noexcept {
    LockGuard lock{mutex_};
    while (!closed_.test(++newest_owner_)) {
    }
    closed_.reset(newest_owner_);
    return newest_owner_;
  }

  ReactorStats stats() noexcept {
    LockGuard lock{mutex_};
    ReactorStats stats = reactor_.stats();
    stats.turns = role_.turns();
    stats.events = events_.read();
    stats.kicks = kicks_.load(relaxed);
    stats.lock_acquisitions = mutex_.acquisitions();
    stats.lock_contentions = mutex_.contentions();
    return stats;
  }

 private:
  static constexpr std::uint64_t no_deadline = UINT64_MAX;
  using Owners = std::bitset<std::size_t{1} << (8 * sizeof(Owner))>;

  /// Dispatch's sink: in fine mode the further waiters need the mutex, in coarse mode it is held already.
  struct Sink {
    SharedReactor& reactor;
    WakeBatch& batch;
    void task(TaskHeader& t) const noexcept { batch.take(t); }
    void crowd(Registration& slot, Direction direction) const noexcept {
      if constexpr (locking == Locking::fine) {
        LockGuard lock{reactor.mutex_};
        Reactor::take_waiters(slot, direction, batch.waiters());
      } else {
        Reactor::take_waiters(slot, direction, batch.waiters());
      }
    }
  };
  struct LockedSink {
    WakeBatch& batch;
    void task(TaskHeader& t) const noexcept { batch.take(t); }
    void crowd(Registration& slot, Direction direction) const noexcept {
      Reactor::take_waiters(slot, direction, batch.waiters());
    }
  };

  /// Parks behind another task, or as a task of another runtime; the word then says PARKED MORE, with or without a task.
  [[gnu::noinline]] Armed join_crowd(Registration& slot, Direction direction, TaskHeader& task, std::uint64_t& identity) noexcept {
    LockGuard lock{mutex_};
    auto& word = slot.word(direction);
    std::uint64_t now = word.load(relaxed);
    for (;;) {
      identity = now & readiness::generation_mask;
      if (now & (readiness::closed | readiness::shutdown)) return Armed::refused;
      if (now & readiness::ready) {
        if ((now & readiness::sticky) || readiness::advance<access>(word, now, now & ~readiness::ready)) return Armed::ready;
        continue;
      }
      // Losing: an edge came; look again. The list itself is ours, since MORE is only set and obeyed under the mutex.
      if (mutated(Mutant::second_waiter_overwrites)) {
        word.store(identity | TaskArena::offset_of(task) | readiness::parked, relaxed);
        return Armed::parked;
      }
      if (!readiness::advance<access>(word, now, now | readiness::parked | readiness::more)) continue;
      Reactor::add_waiter(slot, direction, task);
      return Armed::parked;
    }
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
    const std::size_t fired = reactor_.wheel().advance(mutated(Mutant::timers_fire_on_empty_wait) ? next : now, [&](TimerEntry& entry) {
      auto& timer = static_cast<Timer&>(entry);
      TaskHeader& task = *timer.task;
      timer.fired.store(true, release);  // from here on its operation may be destroyed, but not before it gets the mutex
      batch.take(task);
    });
    next_deadline_.store(reactor_.wheel().next_deadline_ns().value_or(no_deadline), relaxed);
    return fired != 0;
  }


  Reactor reactor_;
  Mutex mutex_;
  Owners closed_;                                      // guarded by mutex_
  Owner newest_owner_ = 0;                             // guarded by mutex_
  Atomic<std::uint64_t> next_deadline_{no_deadline};  // written with mutex_ held; not later than the earliest timer
  DriverRole role_;
  alignas(64) Atomic<bool> waiting_{false};
  OwnedCounter events_;  // the driver's
  Atomic<std::uint64_t> kicks_{0};
};

}  // namespace reactorlab
