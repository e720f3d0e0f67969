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
  ParkingLot(unsigned capacity, DriverRole& role) : role_{role} { parked_.reserve(capacity); }

  unsigned sleeping() const noexcept { return sleeping_.load(relaxed); }
  unsigned searching() const noexcept { return searching_.load(relaxed); }

  /// Sleeps until wake_one() picks this spot, or the role is vacant. `needed()` is asked once the spot is listed: if it says true
  /// the worker doesn't sleep. True if it slept.
  template <class Needed>
  bool park(Spot& spot, Needed&& needed) noexcept {
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

  DriverRole& role_;
  PlainMutex mutex_;
  std::vector<Spot*> parked_;      // guarded by mutex_
  Atomic<unsigned> sleeping_{0};   // its size
  Atomic<unsigned> searching_{0};  // woken, and not yet looking
};

}  // namespace reactorlab
