#pragma once
// Where idle workers sleep. Two duties beside sleeping and waking:
//
// Searching: a woken worker counts as searching until it looks for work; meanwhile nobody else is woken, so that one ready task
// costs one wake (XTH-10).
//
// Watching: the driver runs tasks between its turns, and one that blocks or computes for long would leave the reactor without a
// driver. Waking a successor at every turn costs a futex call and two context switches per turn (Tokio's workers don't hand over
// for that reason, #4730), so one sleeper watches instead: it looks every few milliseconds whether the role has been left vacant,
// and goes to deep sleep after a period in which nothing happened. A reactor is unattended for at most two periods.

#include <utility>
#include <vector>

#include "core/mutation.hpp"
#include "core/sync.hpp"
#include "core/sys.hpp"

namespace reactorlab {

class ParkingLot {
 public:
  static constexpr std::int64_t watch_period_ns = 5'000'000;

  /// A worker's place. Only its own worker waits on it.
  struct Spot {
    Atomic<std::uint32_t> word{0};
  };

  /// `capacity`: as many spots as will ever be parked at once; nothing is allocated later.
  explicit ParkingLot(unsigned capacity) { parked_.reserve(capacity); }

  unsigned sleeping() const noexcept { return sleeping_.load(relaxed); }
  unsigned searching() const noexcept { return searching_.load(relaxed); }

  /// Sleeps until wake_one() picks this spot. `needed()` is asked once the spot is listed: if it says true the worker doesn't
  /// sleep. `vacant()`: nobody drives. `activity()`: a number that changes with every turn. True if it slept.
  template <class Needed, class Vacant, class Activity>
  bool park(Spot& spot, Needed&& needed, Vacant&& vacant, Activity&& activity) noexcept {
    list(spot);
    full_fence();  // we are listed before we look for work; pairs with the fence of whoever publishes work and then looks at us
    if (needed() && unlist(spot)) return false;
    sleep(spot, vacant, activity);
    return true;
  }

  /// Wakes one sleeper to search. False if there is none.
  bool wake_one() noexcept;
  void wake_all() noexcept {
    while (wake_one()) {
    }
  }

  /// The driver is about to run tasks: brings the watcher back from deep sleep. A load in the usual case.
  void stir() noexcept {
    if (deep_.load(relaxed)) [[unlikely]] stir_slow();
  }

 private:
  // spot: awake -> asleep (listed) -> awake, by whoever unlists it. asleep -> stirred -> asleep: the watcher is to look again.
  static constexpr std::uint32_t awake = 0, asleep = 1, stirred = 2;

  void list(Spot& spot) noexcept;
  bool unlist(Spot& spot) noexcept;
  void stir_slow() noexcept;

  template <class Vacant, class Activity>
  void sleep(Spot& spot, Vacant&& vacant, Activity&& activity) noexcept {
    const bool watcher = become_watcher(spot);
    std::uint32_t seen = activity();
    while (spot.word.load(acquire) != awake) {
      if (!watcher) {
        sys::futex_wait(spot.word, asleep);
        continue;
      }
      sys::futex_wait_for(spot.word, asleep, watch_period_ns);
      if (spot.word.load(acquire) == awake) break;
      if (vacant()) {
        if (!mutated(Mutant::driver_role_not_handed_over) && unlist(spot)) {
          resign_as_watcher();
          return;
        }
        continue;
      }
      const std::uint32_t now = activity();
      if (now == std::exchange(seen, now)) sleep_deeply(spot, [&] { return activity() == now && !vacant(); });
    }
    if (watcher) resign_as_watcher();
    searching_.fetch_sub(1, seq_cst);  // before we search: work published before this is found, later work is notified
  }

  template <class Quiet>
  void sleep_deeply(Spot& spot, Quiet&& quiet) noexcept {
    deep_.store(&spot, seq_cst);
    if (quiet()) {
      while (spot.word.load(acquire) == asleep) sys::futex_wait(spot.word, asleep);
    }
    deep_.store(nullptr, seq_cst);
    std::uint32_t expected = stirred;
    spot.word.compare_exchange_strong(expected, asleep, acq_rel, relaxed);  // losing: woken for good
  }

  bool become_watcher(Spot& spot) noexcept {
    Spot* nobody = nullptr;
    return watcher_.compare_exchange_strong(nobody, &spot, acq_rel, relaxed);
  }
  void resign_as_watcher() noexcept { watcher_.store(nullptr, release); }

  PlainMutex mutex_;
  std::vector<Spot*> parked_;        // guarded by mutex_
  Atomic<unsigned> sleeping_{0};     // its size
  Atomic<unsigned> searching_{0};    // woken, and not yet looking
  Atomic<Spot*> watcher_{nullptr};
  Atomic<Spot*> deep_{nullptr};      // the watcher while it sleeps deeply
};

}  // namespace reactorlab
