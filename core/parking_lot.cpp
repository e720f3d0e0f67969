#include "core/parking_lot.hpp"

#include <algorithm>
#include <utility>

namespace reactorlab {

void ParkingLot::list(Spot& spot) noexcept {
  LockGuard lock{mutex_};
  spot.word.store(Spot::asleep, relaxed);
  parked_.push_back(&spot);
  sleeping_.store(static_cast<unsigned>(parked_.size()), seq_cst);
}

bool ParkingLot::unlist(Spot& spot) noexcept {
  LockGuard lock{mutex_};
  const auto it = std::find(parked_.begin(), parked_.end(), &spot);
  if (it == parked_.end()) return false;
  parked_.erase(it);
  sleeping_.store(static_cast<unsigned>(parked_.size()), seq_cst);
  spot.word.store(Spot::awake, relaxed);
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
  spot->word.store(Spot::awake, release);
  sys::futex_wake(spot->word);
  return true;
}

void ParkingLot::sleep(Spot& spot) noexcept {
  const bool watcher = role_.become_watcher(spot);
  std::uint64_t seen = role_.turns();
  while (spot.word.load(acquire) != Spot::awake) {
    if (!watcher) {
      sys::futex_wait(spot.word, Spot::asleep);
      continue;
    }
    sys::futex_wait_for(spot.word, Spot::asleep, DriverRole::watch_period_ns);
    if (spot.word.load(acquire) == Spot::awake) break;
    if (role_.vacant()) {
      if (!mutated(Mutant::driver_role_not_handed_over) && unlist(spot)) return role_.resign_as_watcher();
      continue;
    }
    const std::uint64_t now = role_.turns();
    if (now == std::exchange(seen, now)) role_.sleep_deeply(spot, now);
  }
  if (watcher) role_.resign_as_watcher();
  searching_.fetch_sub(1, seq_cst);  // before we search: work published before this is found, later work is notified
}

}  // namespace reactorlab
