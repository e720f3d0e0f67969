#pragma once
// Drives the process's reactor when nobody else does. Workers are better drivers, since they run what they wake, but all workers of
// all runtimes may be busy or blocked for long while somebody else waits for an event: a confined runtime's task with a handle from
// here, or a runtime that is asleep on other things. So this thread is the reactor's watcher (core/driver_role.hpp): it takes the
// role after a period without a turn, for one turn, and sleeps without a tick while somebody drives or nothing happens.

#include "core/driver_role.hpp"
#include "core/poller.hpp"
#include "core/wake_batch.hpp"

namespace reactorlab::oncelock_global_home {

class FallbackDriver {
 public:
  virtual ~FallbackDriver() = default;
};

template <class Reactor>
class FallbackDriverOf final : public FallbackDriver {
 public:
  /// Before the first executor's threads: no worker is to become the watcher.
  explicit FallbackDriverOf(Reactor& reactor) : reactor_{reactor} {
    reactor.role().become_watcher(spot_);
    try {
      thread_ = sys::start_thread([this] { run(); });
    } catch (...) {
      reactor.role().resign_as_watcher();
      throw;
    }
  }
  ~FallbackDriverOf() override {
    stopping_.store(true, seq_cst);
    spot_.word.store(ParkingSpot::awake, seq_cst);
    sys::futex_wake(spot_.word);
    reactor_.kick_if_waiting();  // if it is the driver that waits; else nobody is left to mind
    thread_.join();
    reactor_.role().resign_as_watcher();
  }

 private:
  /// Longer than the workers' own (DriverRole): a worker that is merely slow isn't to lose its turns to a thread that can't run
  /// what they wake. A task that blocks its runtime delays the others by two of these at most.
  static constexpr std::int64_t watch_period_ns = 20'000'000;

  void run() noexcept {
    DriverRole& role = reactor_.role();
    std::uint64_t seen = role.turns();
    while (!stopping_.load(seq_cst)) {
      // awake -> asleep. A stop that comes in between is noticed by the loop's condition or, since it stores after the flag, here.
      spot_.word.store(ParkingSpot::asleep, seq_cst);
      if (stopping_.load(seq_cst)) return;
      sys::futex_wait_for(spot_.word, ParkingSpot::asleep, watch_period_ns);
      const std::uint64_t now = role.turns();
      if (now != std::exchange(seen, now)) continue;
      if (!role.vacant()) {
        role.sleep_deeply(spot_, now);
      } else if (!mutated(Mutant::fallback_never_drives) && role.try_take()) {
        drive();
      }
    }
  }

  /// One turn; it ends with the first event, deadline or kick.
  void drive() noexcept {
    const IoResult n = reactor_.wait(events_, true, [this] { return stopping_.load(seq_cst); });
    WakeBatch batch;
    if (n) {
      reactor_.dispatch(std::span<const Event>{events_, n.count()}, batch);
      reactor_.role().resign();
    } else {
      reactor_.end(batch);
    }
    batch.deliver_anywhere();
  }

  Reactor& reactor_;
  ParkingSpot spot_;
  Atomic<bool> stopping_{false};
  Thread thread_;
  Event events_[Poller::batch];
};

}  // namespace reactorlab::oncelock_global_home
