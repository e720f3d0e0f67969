#pragma once
// The reactor of the process: made by the first runtime, shared by all, never replaced.

#include <memory>

#include "core/process_end.hpp"
#include "core/runtime.hpp"
#include "core/shared_reactor.hpp"
#include "impls/oncelock_global/fallback_driver.hpp"

namespace reactorlab::oncelock_global_home {

/// Set once; whoever holds a Ref has seen it set, so that one load leads to the reactor.
template <Locking locking>
inline constinit Atomic<SharedReactor<locking>*> process_reactor{nullptr};
template <Locking locking>
SharedReactor<locking>& the_reactor() noexcept {
  return *process_reactor<locking>.load(acquire);
}

/// What the first runtime decided for all.
struct Once {
  PlainMutex mutex;
  bool done = false;  // guarded by mutex, as all of it
  Backend backend{};
  Locking locking{};
  Ablation ablation{};
  unsigned runtimes = 0;
  std::unique_ptr<FallbackDriver> fallback;  // while there are runtimes
};
Once& once() noexcept;

/// Throws UsageError if the reactor was made with other options.
void check_same(const Once& once, const RuntimeOptions& options);

/// A runtime's part in the process's reactor.
template <Locking locking>
class Membership {
 public:
  /// The first one makes the reactor. Concurrent callers wait for it. If it fails, its caller gets the exception
  /// (std::system_error) and the next one tries anew: a mutex and a flag, since std::call_once promises the same but hangs under
  /// TSan after a throw.
  explicit Membership(const RuntimeOptions& options) {
    Once& o = once();
    LockGuard lock{o.mutex};
    if (o.done && !mutated(Mutant::other_options_accepted)) check_same(o, options);
    std::unique_ptr<SharedReactor<locking>> fresh;
    if (!o.done || mutated(Mutant::second_reactor_made)) {
      if (mutated(Mutant::half_made_reactor_kept)) o.done = true;
      fresh = std::make_unique<SharedReactor<locking>>(options.backend, options.ablation);
    }
    SharedReactor<locking>& reactor = fresh ? *fresh : *process_reactor<locking>.load(relaxed);
    if (o.runtimes == 0) o.fallback = std::make_unique<FallbackDriverOf<SharedReactor<locking>>>(reactor);
    // From here on nothing throws.
    if (fresh) {
      process_reactor<locking>.store(fresh.release(), release);
      o.done = true;
      o.backend = options.backend;
      o.locking = locking;
      o.ablation = options.ablation;
#if REACTORLAB_INSTRUMENTED
      end_of_process.store(&Membership::forget);
#endif
    }
    ++o.runtimes;
    owner_ = reactor.open();
  }
  /// The last one ends the fallback driver; the reactor stays.
  ~Membership() {
    Once& o = once();
    LockGuard lock{o.mutex};
    if (--o.runtimes == 0) o.fallback.reset();
  }
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

  Owner owner() const noexcept { return owner_; }

 private:
#if REACTORLAB_INSTRUMENTED
  static void forget() {
    LockGuard lock{once().mutex};
    once().done = false;
    delete process_reactor<locking>.exchange(nullptr);
  }
#endif

  Owner owner_;
};

}  // namespace reactorlab::oncelock_global_home
