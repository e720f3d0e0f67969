#pragma once
// The reactor with a thread of its own. Registrations are mailboxes: arming is one compare-and-swap on a word, the reactor thread's
// edge is another, so a message sends no command and takes no lock. epoll_ctl is called where it is needed, since the kernel
// serialises it anyway and its caller gets the exact errno; timers are commands (timers.hpp). A turn's wakes reach the workers as
// one chain.

#include "core/clock.hpp"
#include "core/interruptible_wait.hpp"
#include "core/shared_registrations.hpp"
#include "core/stealing_executor.hpp"
#include "impls/dedicated_thread/timers.hpp"

namespace reactorlab::dedicated_thread_home {

class DedicatedReactor : public SharedRegistrations<Locking::fine> {
 public:
  DedicatedReactor(Backend backend, Ablation how) : SharedRegistrations{backend, how}, ablation_{how}, timers_{reactor_.wheel()} {}
  ~DedicatedReactor() { stop(); }

  /// Starts the thread, which delivers wakes through `executor` until stop(). Throws std::system_error.
  void start(StealingExecutorBase& executor);
  /// Ends it; operations find -ESHUTDOWN from then on. Idempotent; any thread but the reactor thread, several at once.
  void stop() noexcept;

  // --- timers: any thread ---------------------------------------------------------------------------------------------------

  IoResult start_timer(Timer& timer, TimePoint deadline) noexcept;
  void stop_timer(Timer& timer) noexcept;

  ReactorStats stats() noexcept;

 private:
  static constexpr std::uint64_t no_deadline = UINT64_MAX;
  /// Stops of far timers may wait for the next turn, but not without limit.
  static constexpr std::size_t most_queued = 1024;

  void announce(bool earlier) noexcept;  // that a command was queued
  void run() noexcept;
  /// One turn; false if the wait failed.
  bool turn() noexcept;
  void fire_due(WakeBatch& batch) noexcept;
  void end() noexcept;

  const Ablation ablation_;
  TimerCommands timers_;
  bool ended_ = false;                                // guarded by mutex_
  Atomic<std::uint64_t> next_deadline_{no_deadline};  // written with mutex_ held; not later than the earliest timer
  InterruptibleWait wait_{reactor_.poller()};
  Atomic<bool> stopping_{false};
  OwnedCounter turns_, events_;  // the reactor thread's
  StealingExecutorBase* executor_ = nullptr;
  PlainMutex stop_mutex_;  // held while somebody joins the thread
  Thread thread_;
  Event batch_[Poller::batch];
};

}  // namespace reactorlab::dedicated_thread_home
