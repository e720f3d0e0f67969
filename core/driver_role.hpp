#pragma once
// Who waits in a shared reactor: one thread at a time, whichever worker of whichever executor is idle.
//
// Watching: the driver runs tasks between its turns, and one that blocks or computes for long would leave the reactor without a
// driver. Waking a successor at every turn costs a futex call and two context switches per turn (Tokio's workers don't hand over
// for that reason, #4730), so one sleeper watches instead: it looks every few milliseconds whether the role has been left vacant,
// and goes to deep sleep after a period in which nothing happened. A reactor is unattended for at most two periods.

#include <cstdint>

#include "core/mutation.hpp"
#include "core/sync.hpp"
#include "core/sys.hpp"

namespace reactorlab {

/// The word on which an idle thread sleeps; only that thread waits on it.
///   awake -> asleep (by its owner) -> awake, by whoever picks it. asleep -> stirred -> asleep: the watcher is to look again.
struct ParkingSpot {
  static constexpr std::uint32_t awake = 0, asleep = 1, stirred = 2;
  Atomic<std::uint32_t> word{awake};
};

class DriverRole {
 public:
  static constexpr std::int64_t watch_period_ns = 5'000'000;

  /// `workers`: idle workers drive. `elsewhere`: the reactor has a thread of its own; the role is never vacant, nobody watches it.
  enum class Holder : std::uint8_t { workers, elsewhere };
  explicit DriverRole(Holder holder = Holder::workers) noexcept
      : state_{holder == Holder::workers ? State::vacant : State::elsewhere},
        watcher_{holder == Holder::workers ? nullptr : &no_spot_} {}

  /// vacant -> taken. The losing branch: somebody drives already.
  bool try_take() noexcept {
    if (mutated(Mutant::two_drivers_at_once)) return true;
    return state_.load(relaxed) == State::vacant && state_.exchange(State::taken, seq_cst) == State::vacant;
  }
  /// taken -> vacant, after a turn and before any task runs. A load more in the usual case: the watcher isn't in deep sleep.
  void resign() noexcept {
    state_.store(State::vacant, seq_cst);
    if (deep_.load(relaxed)) [[unlikely]]
      stir();
  }
  /// taken -> elsewhere, for good: the reactor can't wait any more, so nobody is to drive it. Idle workers only sleep from now on.
  void abolish() noexcept { state_.store(State::elsewhere, seq_cst); }
  bool vacant() const noexcept { return state_.load(seq_cst) == State::vacant; }
  /// A worker has it, and may be waiting.
  bool probably_taken() const noexcept { return state_.load(relaxed) == State::taken; }

  /// The driver's wait is over.
  void count_turn() noexcept { turns_.add(); }

  // --- the watcher ----------------------------------------------------------------------------------------------------------

  /// At most one thread watches. nobody -> spot. The losing branch: somebody does already.
  bool become_watcher(ParkingSpot& spot) noexcept {
    ParkingSpot* nobody = nullptr;
    return watcher_.compare_exchange_strong(nobody, &spot, acq_rel, relaxed);
  }
  void resign_as_watcher() noexcept { watcher_.store(nullptr, release); }

  /// The watcher compares two readings.
  std::uint64_t turns() const noexcept { return turns_.read(); }

  /// The watcher saw nothing happen since `turns` and somebody drive: sleeps until it is stirred, or woken.
  void sleep_deeply(ParkingSpot& spot, std::uint64_t turns) noexcept {
    if (mutated(Mutant::watcher_never_rests)) return;
    deep_.store(&spot, seq_cst);
    if (turns_.read() == turns && !vacant()) {
      while (spot.word.load(acquire) == ParkingSpot::asleep) sys::futex_wait(spot.word, ParkingSpot::asleep);
    }
    deep_.store(nullptr, seq_cst);
    std::uint32_t expected = ParkingSpot::stirred;
    spot.word.compare_exchange_strong(expected, ParkingSpot::asleep, acq_rel, relaxed);  // losing: woken for good
  }

 private:
  enum class State : std::uint8_t { vacant, taken, elsewhere };
  void stir() noexcept;

  static inline constinit ParkingSpot no_spot_{};

  alignas(64) Atomic<State> state_;
  OwnedCounter turns_;                  // the driver's
  Atomic<ParkingSpot*> deep_{nullptr};  // the watcher while it sleeps deeply
  Atomic<ParkingSpot*> watcher_;
};

}  // namespace reactorlab
