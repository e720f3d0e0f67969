#pragma once
// A reactor's wait that other threads may end. It is announced before the last look for work, so whoever publishes work later finds
// the announcement and kicks: no wake is lost between the look and the kernel (XTH-02).

#include <span>

#include "core/mutation.hpp"
#include "core/poller.hpp"
#include "core/sync.hpp"

namespace reactorlab {

class InterruptibleWait {
 public:
  explicit InterruptibleWait(Poller& poller) noexcept : poller_{poller} {}

  /// The driver's. Blocks as long as limit_ms() says (-1: until an event or a kick), unless has_work(), asked after the
  /// announcement.
  template <class HasWork, class LimitMs>
  IoResult wait(std::span<Event> events, HasWork&& has_work, LimitMs&& limit_ms) noexcept {
    sync_point(SyncPoint::wait_unannounced);
    if (!mutated(Mutant::announced_too_late)) waiting_.store(true, seq_cst);
    const int timeout = has_work() && !mutated(Mutant::second_look_omitted) ? 0 : limit_ms();
    sync_point(SyncPoint::poll_before_block);
    if (mutated(Mutant::announced_too_late)) waiting_.store(true, seq_cst);
    IoResult n = poller_.wait(events, timeout);
    if (mutated(Mutant::interrupted_wait_unannounced) && n == IoResult{-EINTR}) {
      waiting_.store(false, seq_cst);
      n = poller_.wait(events, timeout);
    }
    waiting_.store(false, relaxed);
    return n;
  }

  /// Any thread, after it has published work. announced -> answered, by one of those who come. The losing branch: somebody else
  /// kicks, or the wait is over.
  void kick() noexcept {
    if (!waiting_.load(seq_cst) || (!waiting_.exchange(false, seq_cst) && !mutated(Mutant::kick_for_every_wake))) return;
    kick_anyway();
  }
  /// Whether or not somebody waits: the next wait ends at once.
  void kick_anyway() noexcept {
    kicks_.fetch_add(1, relaxed);
    if (!mutated(Mutant::kick_omitted)) poller_.kick();
  }

  bool announced() const noexcept { return waiting_.load(relaxed); }
  std::uint64_t kicks() const noexcept { return kicks_.load(relaxed); }

 private:
  Poller& poller_;
  alignas(64) Atomic<bool> waiting_{false};
  Atomic<std::uint64_t> kicks_{0};
};

}  // namespace reactorlab
