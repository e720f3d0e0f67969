#pragma once
// The synchronisation seam: atomics, mutex and thread as the rest of the library names them, and the sync points at which a
// conformance test can hold a thread. In the shipped flavour these are aliases and nothing.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>

#include "core/flavour.hpp"
#if REACTORLAB_SIMULATED
#include "core/simulation.hpp"
#endif

namespace reactorlab {

#if REACTORLAB_SIMULATED
using simulation::Atomic;
using simulation::Thread;
using PlainMutex = simulation::Mutex;
#else
template <class T>
using Atomic = std::atomic<T>;
using Thread = std::thread;
using PlainMutex = std::mutex;
#endif
template <class M>
using LockGuard = std::lock_guard<M>;
template <class M>
using UniqueLock = std::unique_lock<M>;

inline constexpr auto relaxed = std::memory_order_relaxed;
inline constexpr auto acquire = std::memory_order_acquire;
inline constexpr auto release = std::memory_order_release;
inline constexpr auto acq_rel = std::memory_order_acq_rel;
inline constexpr auto seq_cst = std::memory_order_seq_cst;

inline void full_fence() noexcept {
#if REACTORLAB_SANITIZED
  // TSan doesn't model fences; a read-modify-write on one shared word orders the same pairs.
  static std::atomic<int> word{0};
  word.fetch_add(1, std::memory_order_seq_cst);
#else
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

/// Hints to the core that this is a spin loop.
inline void relax() noexcept {
#if REACTORLAB_SIMULATED
  simulation::give_way();
#elif defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// A counter with one writer and any number of readers: no read-modify-write.
class OwnedCounter {
 public:
  void add(std::uint64_t n = 1) noexcept { value_.store(value_.load(relaxed) + n, release); }
  std::uint64_t read() const noexcept { return value_.load(acquire); }

 private:
  Atomic<std::uint64_t> value_{0};
};

/// A mutex that knows how often it was taken and how often somebody had to wait for it.
class Mutex {
 public:
  void lock() noexcept {
    if (!mutex_.try_lock()) {
      if (told_) [[unlikely]]
        tell_and_lock();
      else
        mutex_.lock();
      contentions_.add();
    }
    acquisitions_.add();
  }
  void unlock() noexcept { mutex_.unlock(); }
  std::uint64_t acquisitions() const noexcept { return acquisitions_.read(); }
  std::uint64_t contentions() const noexcept { return contentions_.read(); }

  /// For a holder that may sleep while it holds it: who finds it held calls tell(context, false), waits, and calls tell(context,
  /// true) when it is his. Before there are other threads.
  void when_held(void (*tell)(void* context, bool locked), void* context) noexcept {
    tell_ = tell;
    told_ = context;
  }
  /// How many whom when_held() serves wait, or are about to tell.
  const Atomic<std::uint32_t>& waiting() const noexcept { return waiting_; }

 private:
  void tell_and_lock() noexcept {
    waiting_.fetch_add(1, seq_cst);  // before the holder is told: it looks again before it sleeps
    tell_(told_, false);
    mutex_.lock();
    waiting_.fetch_sub(1, seq_cst);
    tell_(told_, true);
  }

  PlainMutex mutex_;
  void (*tell_)(void* context, bool locked) = nullptr;
  void* told_ = nullptr;
  Atomic<std::uint32_t> waiting_{0};
  OwnedCounter acquisitions_;  // written with the mutex held
  OwnedCounter contentions_;   // written with the mutex held
};

/// Where a test may hold a thread. Each names the gap that some lost wake-up needs.
enum class SyncPoint {
  wait_unannounced,      ///< nothing to do was found, the wait isn't announced: a wake now finds nobody to kick
  poll_before_block,     ///< about to enter the kernel's wait; the last check of the queues has been made
  poll_returned,         ///< the wait is over, nothing of it has been dispatched
  dispatch_collected,    ///< readiness stored, wakes collected, none delivered
  io_after_would_block,  ///< an attempt said EAGAIN, the operation isn't parked yet
  io_parked,             ///< the operation is parked, its task is still running
  add_after_kernel,      ///< the kernel knows the descriptor, the caller doesn't have its handle yet
  remove_after_kernel,   ///< the kernel has forgotten the descriptor, it isn't closed yet
  wake_before_signal,    ///< the task is queued, no kick has been sent
  park_queue_empty,      ///< a worker found nothing to do and hasn't gone to sleep yet
  timer_taken_out,       ///< a due timer left the wheel, its task hasn't been woken
  shutdown_marked,       ///< shutdown has begun, no task has been cancelled
};

#if REACTORLAB_INSTRUMENTED
class SyncPointObserver {
 public:
  virtual ~SyncPointObserver() = default;
  virtual void reached(SyncPoint point) noexcept = 0;  ///< Called on the thread that got there; may hold it.
};
extern std::atomic<SyncPointObserver*> sync_point_observer;

inline void sync_point(SyncPoint point) noexcept {
  if (auto* observer = sync_point_observer.load(std::memory_order_acquire)) observer->reached(point);
}
#else
inline void sync_point(SyncPoint) noexcept {}
#endif

}  // namespace reactorlab
