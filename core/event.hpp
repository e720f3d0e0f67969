#pragma once
// An auto-reset event: each set() lets one wait() through, now or later; further ones before that add nothing.
// Lock-free, set() from any thread. (A plain Event is what a poller reports.)

#include <cstdint>

#include "core/error.hpp"
#include "core/wait_operation.hpp"
#include "core/waker.hpp"

namespace reactorlab {

/// Outlives the waits on it. A waiter may destroy it as soon as it has been let through: set() doesn't touch it any
/// more then.
class AutoResetEvent {
 public:
  AutoResetEvent() noexcept = default;
  AutoResetEvent(const AutoResetEvent&) = delete;
  AutoResetEvent& operator=(const AutoResetEvent&) = delete;

  /// Everything written before is visible to the task that it lets through. Any thread, any runtime or none.
  void set() noexcept {
    std::uint64_t now = word_.load(relaxed);
    for (;;) {
      // waker -> none: handed over to the waiter, who sees that its waker is gone. none -> set: for the next one. set
      // -> set: nothing to add, but still a read-modify-write, which publishes what we wrote. Losing: look again.
      const std::uint64_t to = is_waker(now) ? none : set_;
      if (word_.compare_exchange_weak(now, to, acq_rel, relaxed)) break;
    }
    if (is_waker(now)) Waker::from_bits(now).wake();
  }

  /// co_await: until it is set, which that consumes. One task at a time: a second one gets UsageError. A wait that is
  /// destroyed consumes nothing.
  auto wait() noexcept { return Wait{*this}; }

  /// Consumes a set that is there already. Any thread.
  bool try_wait() noexcept {
    // set -> none: ours. Losing: not set, or somebody else's.
    std::uint64_t expected = set_;
    return word_.compare_exchange_strong(expected, none, acq_rel, relaxed);
  }

 private:
  // The word: none, set, or the bits of the waiter's waker (whose low six bits are 0, and which is never 0).
  static constexpr std::uint64_t none = 0, set_ = 1;
  static constexpr bool is_waker(std::uint64_t word) noexcept { return word != none && word != set_; }

  class Wait : public WaitOperation<Wait> {
   public:
    explicit Wait(AutoResetEvent& event) noexcept : event_{event} {}
    ~Wait() {
      if (waker_ && !take_back()) event_.set();  // we had been let through: somebody else is now
    }
    void await_resume() const {
      if (occupied_) throw UsageError{"another task waits for this AutoResetEvent already; give each waiter one of its own"};
    }

    bool try_now() noexcept { return event_.try_wait(); }
    bool progress() noexcept { return waker_ ? handed_over() : park(); }

   private:
    bool park() noexcept {
      const Waker mine{task()};
      for (;;) {
        // none -> waker: set() will take it out and wake us. Losing: it has been set, or somebody else waits.
        std::uint64_t now = none;
        if (event_.word_.compare_exchange_strong(now, mine.bits(), acq_rel, acquire)) {
          waker_ = mine;
          return false;
        }
        occupied_ = is_waker(now);
        if (occupied_ || event_.try_wait()) return true;
      }
    }

    bool handed_over() noexcept {
      if (event_.word_.load(acquire) == waker_.bits()) return false;  // somebody else's wake
      waker_ = Waker{};
      return true;
    }

    /// waker -> none. Losing: set() took it out.
    bool take_back() noexcept {
      std::uint64_t expected = waker_.bits();
      return event_.word_.compare_exchange_strong(expected, none, acq_rel, relaxed);
    }

    AutoResetEvent& event_;
    Waker waker_;  // while parked
    bool occupied_ = false;
  };

  Atomic<std::uint64_t> word_{none};
};

}  // namespace reactorlab
