#pragma once
// Where the idle workers of one executor sleep; one of them may watch the driver role meanwhile (driver_role.hpp).
//
// Searching: a woken worker counts as searching until it looks for work; meanwhile nobody else is woken, so that one ready task
// costs one wake (XTH-10).

#include <utility>
#include <vector>

#include "core/driver_role.hpp"

namespace reactorlab {

class ParkingLot {
 public:
  using Spot = ParkingSpot;

  /// `capacity`: as many spots as will ever be parked at once; nothing is allocated later.
  /// `looks`: so often a worker looks for work before it lies down.
  ParkingLot(unsigned capacity, DriverRole& role, unsigned looks = 0) : role_{role}, looks_{looks} { parked_.reserve(capacity); }

  unsigned sleeping() const noexcept { return sleeping_.load(relaxed); }
  unsigned searching() const noexcept { return searching_.load(relaxed); }

  /// Sleeps until wake_one() picks this spot, or the role is vacant. `needed()` is asked once the spot is listed: if it says true
  /// the worker doesn't sleep. True if it slept.
  template <class Needed>
  bool park(Spot& spot, Needed&& needed) noexcept {
    if (looks_ != 0 && look(needed)) return false;
    list(spot);
    full_fence();  // we are listed before we look for work; pairs with the fence of whoever publishes work and then looks at us
    if (!mutated(Mutant::second_look_omitted) && needed() && unlist(spot)) return false;
    sleep(spot);
    return true;
  }

  /// Wakes one sleeper to search. False if there is none.
  bool wake_one() noexcept;
  void wake_all() noexcept {
    while (wake_one()) {
    }
  }

 private:
  void list(Spot& spot) noexcept;
  bool unlist(Spot& spot) noexcept;
  void sleep(Spot& spot) noexcept;

  /// As a searcher, so that nobody is woken for what is found here; what comes after the last look is found by the one in park().
  template <class Needed>
  bool look(Needed& needed) noexcept {
    searching_.fetch_add(1, seq_cst);
    bool found = false;
    for (unsigned i = 0; i < looks_ && !found; ++i) {
      relax();
      found = needed();
    }
    searching_.fetch_sub(1, seq_cst);
    return found;
  }

  DriverRole& role_;
  const unsigned looks_;
  PlainMutex mutex_;
  std::vector<Spot*> parked_;      // guarded by mutex_
  Atomic<unsigned> sleeping_{0};   // its size
  Atomic<unsigned> searching_{0};  // woken, and not yet looking
};

}  // namespace reactorlab
