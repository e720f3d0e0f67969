#include "core/driver_role.hpp"

namespace reactorlab {

void DriverRole::stir() noexcept {
  ParkingSpot* const spot = deep_.load(acquire);
  std::uint32_t expected = ParkingSpot::asleep;
  // asleep -> stirred. Losing: it has been woken for good, or stirred already.
  if (spot && spot->word.compare_exchange_strong(expected, ParkingSpot::stirred, acq_rel, relaxed)) sys::futex_wake(spot->word);
}

}  // namespace reactorlab
