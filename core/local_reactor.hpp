#pragma once
// A reactor confined to one thread: plain loads and stores, no lock. Whoever comes from another thread is told so.

#include "core/error.hpp"
#include "core/reactor.hpp"

namespace reactorlab {

class LocalReactor {
 public:
  explicit LocalReactor(Backend backend, Ablation ablation = Ablation::none)
      : reactor_{backend, RingUse::one_thread, ablation} {}

  bool owns(const Registration& slot) const noexcept { return reactor_.slab_owns(slot); }

  IoResult add(int fd, SourceKind kind, Interest interest, Registration*& out) noexcept {
    if (closed_ && !mutated(Mutant::registered_after_shutdown)) return -ESHUTDOWN;
    Registration* const slot = reactor_.reserve(fd, kind);
    if (!slot) return -ENOMEM;
    const IoResult announced = reactor_.announce(*slot, fd, interest);
    if (!announced) {
      if (!mutated(Mutant::failed_add_kept)) reactor_.slab().remove(*slot);
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
    WaiterList waiters;
    Executor& executor = *confined_executor;
    reactor_.retire_slot(slot, [&](TaskHeader& task) { wake_confined(task, executor); }, waiters);
    if (!mutated(Mutant::closed_before_deregistered) && fate == FdFate::close) sys::close(fd);
  }

  [[gnu::always_inline]] static Armed arm(Registration& slot, Direction direction, TaskHeader& task,
                                          std::uint64_t& identity) noexcept {
    const Armed armed = readiness::arm<Access::confined>(slot.word(direction), task, identity);
    return armed == Armed::crowded ? join(slot, direction, task) : armed;
  }
  IoResult widen(Registration& slot, int fd, Interest interest) noexcept { return reactor_.widen(slot, fd, interest); }

  static bool is_parked(const Registration& slot, Direction direction, const TaskHeader& task) noexcept {
    const std::uint64_t word = slot.word(direction).load(relaxed);
    if ((word & readiness::parked) && readiness::task_offset(word) == TaskArena::offset_of(task)) return true;
    return (word & readiness::more) && Reactor::has_waiter(slot, direction, task);
  }

  static void disarm(Registration& slot, Direction direction, std::uint64_t identity, const TaskHeader& task) noexcept {
    if (!readiness::disarm<Access::confined>(slot.word(direction), identity, task)) return;
    if (Reactor::remove_waiter(slot, direction, task)) Reactor::settle_crowd<Access::confined>(slot, direction);
  }

  IoResult start_timer(Timer& timer, TimePoint deadline) noexcept {
    if (closed_) return -ESHUTDOWN;
    reactor_.wheel().insert(timer, nanoseconds_of(deadline));
    return 0;
  }
  void stop_timer(Timer& timer) noexcept { reactor_.wheel().cancel(timer); }

  /// Shutdown: no new registrations (unless only listeners are refused); whoever is parked is woken and finds -ESHUTDOWN.
  void refuse(bool listeners_only) noexcept {
    if (!listeners_only) closed_ = true;
    reactor_.refuse<Access::confined>(listeners_only, std::nullopt, Waking{*confined_executor});
  }

  /// The reactor can't wait any more: the same for sleepers, too.
  void end() noexcept {
    if (mutated(Mutant::dead_reactor_unannounced)) return;
    refuse(/*listeners_only=*/false);
    reactor_.wheel().clear([executor = confined_executor](TimerEntry& entry) {
      static_cast<Timer&>(entry).refuse();
      wake_confined(*entry.task, *executor);
    });
  }

  Reactor& reactor() noexcept { return reactor_; }

 private:
  struct Waking {
    Executor& executor;
    void task(TaskHeader& t) const noexcept { wake_confined(t, executor); }
    void crowd(Registration& slot, Direction direction) const noexcept {
      WaiterList waiters;  // woken as it goes
      Reactor::take_waiters(slot, direction, waiters);
    }
  };

  static Armed join(Registration& slot, Direction direction, TaskHeader& task) noexcept {
    if (mutated(Mutant::second_waiter_overwrites)) {
      auto& word = slot.word(direction);
      word.store((word.load(relaxed) & readiness::generation_mask) | TaskArena::offset_of(task) | readiness::parked, relaxed);
      return Armed::parked;
    }
    Waiter* const waiter = Reactor::make_waiter(direction, task);
    if (!waiter) return Armed::no_memory;
    auto& word = slot.word(direction);
    word.store(word.load(relaxed) | readiness::more, relaxed);
    Reactor::add_waiter(slot, *waiter);
    return Armed::parked;
  }

  Reactor reactor_;
  bool closed_ = false;
};

}  // namespace reactorlab
