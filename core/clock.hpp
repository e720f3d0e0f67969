#pragma once
// The clock seam: the only place that reads time. CLOCK_MONOTONIC; a change of the wall clock is never seen.

#include <ctime>

#include "core/flavour.hpp"
#include "core/mutation.hpp"
#include "core/types.hpp"

namespace reactorlab::clock {

#if REACTORLAB_INSTRUMENTED
/// A test's own time. Set before the runtime under test is made, taken back after it is gone.
class Source {
 public:
  virtual ~Source() = default;
  virtual TimePoint now() noexcept = 0;  ///< Any thread; never goes backwards.
};
extern Source* source;
#endif

inline TimePoint read(clockid_t which) noexcept {
  timespec t;
  ::clock_gettime(which, &t);
  return TimePoint{static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(t.tv_nsec)};
}

inline TimePoint kernel_now() noexcept { return read(mutated(Mutant::wall_clock_used) ? CLOCK_REALTIME : CLOCK_MONOTONIC); }

inline TimePoint now() noexcept {
#if REACTORLAB_INSTRUMENTED
  if (source) return source->now();
#endif
  return kernel_now();
}

/// t <= now(), at a quarter of the price where t is far ahead: the coarse clock is what the kernel stored at its last tick, so that
/// reading it leaves the hardware alone. It lags by that tick, 10 ms at most; what is 100 ms ahead of it hasn't come.
inline bool has_come(TimePoint t) noexcept {
#if REACTORLAB_INSTRUMENTED
  if (source || mutated(Mutant::wall_clock_used)) return t <= now();
#endif
  constexpr Duration far = std::chrono::milliseconds{100};
  return t <= read(CLOCK_MONOTONIC_COARSE) + far && t <= now();
}

}  // namespace reactorlab::clock
