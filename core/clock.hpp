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

inline TimePoint kernel_now() noexcept {
  timespec t;
  ::clock_gettime(mutated(Mutant::wall_clock_used) ? CLOCK_REALTIME : CLOCK_MONOTONIC, &t);
  return TimePoint{static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(t.tv_nsec)};
}

inline TimePoint now() noexcept {
#if REACTORLAB_INSTRUMENTED
  if (source) return source->now();
#endif
  return kernel_now();
}

}  // namespace reactorlab::clock
