#pragma once
// Registrations that several threads share. One mutex guards the slab and the lists of further waiters; Locking says what else it
// guards:
//   coarse  also the registration words: taken once per park and once per turn for a whole batch of events;
//   fine    the words are atomic, and a message in the steady state takes no lock.
// Never held across a wait, a first registration with the kernel, or a wake. Who waits and dispatches is the home's choice
// (shared_reactor.hpp: an idle worker).

#include <bitset>

#include "core/reactor.hpp"
#include "core/sync.hpp"

namespace reactorlab {

enum class Locking : std::uint8_t { coarse, fine };

template <Locking locking>
class SharedRegistrations {
 public:
  static constexpr Access access = locking == Locking::coarse ? Access::plain : Access::atomic;

  explicit SharedRegistrations(Backend backend, Ablation ablation = Ablation::none)
      : reactor_{backend, RingUse::any_thread, ablation} {
    open_first();
  }
  /// On somebody else's poller: Reactor's second constructor.
  explicit SharedRegistrations(std::unique_ptr<Poller> poller) : reactor_{std::move(poller)} { open_first(); }

  // --- registrations: any thread ------------------------------------------------------------------------------------------

  /// `owner`: the runtime that asks, where several share the reactor.
  IoResult add(int fd, SourceKind kind, Interest interest, Registration*& out, Owner owner = 0) noexcept {
    Registration* slot;
    {
      LockGuard lock{mutex_};
      if (closed_.test(owner) && !mutated(Mutant::registered_after_shutdown)) return -ESHUTDOWN;
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
      reactor_.retire_slot(
          slot, [&](TaskHeader& task) { batch.take(task); }, batch.waiters());
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
    if (task.kind != TaskKind::shared) [[unlikely]]
      return join_crowd(slot, direction, task, identity);
    if constexpr (locking == Locking::coarse) {
      LockGuard lock{mutex_};
      const Armed armed = readiness::arm<access>(word, task, identity);
      if (armed != Armed::crowded) [[likely]]
        return armed;
    } else {
      const Armed armed = readiness::arm<access>(word, task, identity);
      if (armed != Armed::crowded) [[likely]]
        return armed;
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

  // --- runtimes ---------------------------------------------------------------------------------------------------------------

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
    closed_.set(newest_owner_, ended_);
    return newest_owner_;
  }

 protected:
  ~SharedRegistrations() = default;

  /// Dispatch's sink: in fine mode the further waiters need the mutex, in coarse mode it is held already.
  struct Sink {
    SharedRegistrations& registrations;
    WakeBatch& batch;
    void task(TaskHeader& t) const noexcept { batch.take(t); }
    void crowd(Registration& slot, Direction direction) const noexcept {
      if constexpr (locking == Locking::fine) {
        LockGuard lock{registrations.mutex_};
        Reactor::take_waiters(slot, direction, batch.waiters());
      } else {
        Reactor::take_waiters(slot, direction, batch.waiters());
      }
    }
  };
  struct LockedSink {
    WakeBatch& batch;
    void task(TaskHeader& t) const noexcept { batch.take(t); }
    void crowd(Registration& slot, Direction direction) const noexcept { Reactor::take_waiters(slot, direction, batch.waiters()); }
  };

  /// REQUIRES mutex. The reactor can't wait any more: what refuse() does, for every runtime and those to come.
  void refuse_everybody(WakeBatch& batch) noexcept {
    ended_ = true;
    closed_.set();
    reactor_.template refuse<access>(/*listeners_only=*/false, std::nullopt, LockedSink{batch});
  }

  /// REQUIRES mutex. The home fills in the rest.
  ReactorStats stats_locked() noexcept {
    ReactorStats stats = reactor_.stats();
    stats.lock_acquisitions = mutex_.acquisitions();
    stats.lock_contentions = mutex_.contentions();
    return stats;
  }
  /// REQUIRES mutex.
  bool refuses(Owner owner) const noexcept { return closed_.test(owner); }

  Reactor reactor_;
  Mutex mutex_;

 private:
  void open_first() noexcept {
    closed_.set();
    closed_.reset(/*owner=*/0);
  }
  /// Parks behind another task, or as a task of another runtime; the word then says PARKED MORE, with or without a task.
  [[gnu::noinline]] Armed join_crowd(Registration& slot, Direction direction, TaskHeader& task, std::uint64_t& identity) noexcept {
    // Before the word says MORE: an edge that it then takes must find somebody.
    Waiter* const waiter = Reactor::make_waiter(direction, task);
    if (!waiter) return Armed::no_memory;
    const Armed armed = join_crowd_as(*waiter, slot, direction, task, identity);
    if (armed != Armed::parked) Reactor::drop_waiter(waiter);
    return armed;
  }
  Armed join_crowd_as(Waiter& waiter, Registration& slot, Direction direction, TaskHeader& task, std::uint64_t& identity) noexcept {
    LockGuard lock{mutex_};
    auto& word = slot.word(direction);
    const std::uint32_t offset = TaskArena::offset_of(task);
    std::uint64_t now = word.load(relaxed);
    for (;;) {
      const std::uint64_t life = now & readiness::generation_mask;
      identity = life | offset;
      if (now & (readiness::closed | readiness::shutdown)) return Armed::refused;
      if (now & readiness::ready) {
        if ((now & readiness::sticky) || readiness::advance<access>(word, now, readiness::consumed(now, offset))) return Armed::ready;
        continue;
      }
      const bool occupied = now & readiness::parked;
      if (!occupied && readiness::told_another(now, offset)) {
        // TOLD(another) -> TOLD(task), as in readiness::arm_slow().
        if (readiness::advance<access>(word, now, identity)) return Armed::ready;
        continue;
      }
      if (mutated(Mutant::second_waiter_overwrites)) {
        word.store(identity | readiness::parked, relaxed);
        return Armed::parked;
      }
      // PARKED(task or nobody) -> the same with MORE; empty or TOLD(task) -> PARKED(nobody) MORE. Losing: an edge came; look
      // again. The list itself is ours, since MORE is only set and obeyed under the mutex.
      if (!readiness::advance<access>(word, now, (occupied ? now : life | readiness::parked) | readiness::more)) continue;
      Reactor::add_waiter(slot, waiter);
      return Armed::parked;
    }
  }

  using Owners = std::bitset<std::size_t{1} << (8 * sizeof(Owner))>;
  Owners closed_;           // guarded by mutex_
  bool ended_ = false;      // guarded by mutex_; the reactor can't wait any more
  Owner newest_owner_ = 0;  // guarded by mutex_
};

}  // namespace reactorlab
