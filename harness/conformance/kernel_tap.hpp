#pragma once
// The one sys::Script of the process, installed for good: a thread that is inside a system call may outlive the test that scripted
// it. Forwards to the test's Script and VirtualClock while there are any, counts calls for the hang oracle, and makes
// a scripted wait interruptible.

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "core/sys.hpp"

namespace reactorlab::conformance {

class Script;
class VirtualClock;

using KernelCall = long (*)(const void* context, const sys::Call&);

class KernelTap final : public sys::Script {
 public:
  /// Installs itself at the first call. Opens its descriptors then, so main() calls it before any test.
  static KernelTap& instance();

  long on_call(sys::Call& call, KernelCall kernel, const void* context) noexcept override;

  // --- the hang oracle ----------------------------------------------------------------------------------------------------

  /// Changes with every system call that begins or ends.
  std::uint64_t progress() const noexcept { return progress_.load(std::memory_order_relaxed); }
  /// System calls that the calling thread has made through the library so far.
  static std::uint64_t calls_of_this_thread() noexcept { return calls_here_; }
  /// Threads in a wait, for events or for a word, that ends by itself, because it has a limit in real time.
  unsigned timed_waits() const noexcept { return timed_waits_.load(std::memory_order_relaxed); }

  // --- Script and VirtualClock ----------------------------------------------------------------------------------------------

  /// Throws std::logic_error if there is one already, or if a runtime waits already: its wait would not be scripted.
  void install(conformance::Script& script);
  void install(VirtualClock& clock);
  /// Ends the waits that are under way (with 0 events) and returns when no thread is inside any more.
  void remove(conformance::Script& script) noexcept;
  void remove(VirtualClock& clock) noexcept;
  /// Threads asleep in a scripted wait: it has looked and found nothing.
  unsigned asleep() const noexcept { return asleep_.load(std::memory_order_acquire); }
  /// Every scripted wait looks again.
  void ring() noexcept;

 private:
  static constexpr std::size_t most_waiters = 8;

  /// One scripted wait. `bell` is a descriptor that ends its poll(2).
  struct Waiter {
    int bell = -1;
    bool taken = false;
    bool leave = false;
  };
  class Guest;

  KernelTap();
  long wait(Guest& guest, sys::Call& call, KernelCall kernel, const void* context) noexcept;
  long plain_wait(sys::Call& call, KernelCall kernel, const void* context) noexcept;
  long timed_wait(sys::Call& call, KernelCall kernel, const void* context) noexcept;
  template <class Seam>
  void install_as(Seam*& place, Seam& seam, const char* name);
  template <class Seam>
  void remove_from(Seam*& place, unsigned& guests) noexcept;
  void ring_locked(bool leave) noexcept;

  static inline thread_local std::uint64_t calls_here_ = 0;
  std::atomic<std::uint64_t> progress_{0};
  std::atomic<unsigned> timed_waits_{0};
  std::atomic<unsigned> asleep_{0};
  std::atomic<unsigned> plain_waits_{0};
  std::atomic<bool> seams_{false};

  std::mutex mutex_;
  std::condition_variable left_;
  conformance::Script* script_ = nullptr;
  VirtualClock* clock_ = nullptr;
  unsigned script_guests_ = 0;
  unsigned clock_guests_ = 0;
  std::array<Waiter, most_waiters> waiters_;
};

}  // namespace reactorlab::conformance
