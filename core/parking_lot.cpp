#include "core/parking_lot.hpp"

#include <algorithm>

namespace reactorlab {

void ParkingLot::list(Spot& spot) noexcept {
  LockGuard lock{mutex_};
  spot.word.store(asleep, relaxed);
  parked_.push_back(&spot);
  sleeping_.store(static_cast<unsigned>(parked_.size()), seq_cst);
}

bool ParkingLot::unlist(Spot& spot) noexcept {
  LockGuard lock{mutex_};
  const auto it = std::find(parked_.begin(), parked_.end(), &spot);
  if (it == parked_.end()) return false;
  parked_.erase(it);
  sleeping_.store(static_cast<unsigned>(parked_.size()), seq_cst);
  spot.word.store(awake, relaxed);
  return true;
}

bool ParkingLot::wake_one() noexcept {
  Spot* spot;
  {
    LockGuard lock{mutex_};
    if (parked_.empty()) return false;
    spot = parked_.back();
    parked_.pop_back();
    sleeping_.store(static_cast<unsigned>(parked_.size()), seq_cst);
    searching_.fetch_add(1, seq_cst);
  }
  spot->word.store(awake, release);
  sys::futex_wake(spot->word);
  return true;
}

void ParkingLot::stir_slow() noexcept {
  Spot* const spot = deep_.load(acquire);
  std::uint32_t expected = asleep;
  // asleep -> stirred. Losing: it has been woken for good, or stirred already.
  if (spot && spot->word.compare_exchange_strong(expected, stirred, acq_rel, relaxed)) sys::futex_wake(spot->word);
}

}  // namespace reactorlab
