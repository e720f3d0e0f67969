#include "harness/measure/canary.hpp"

#include "harness/measure/pin.hpp"
#include "harness/scenarios/spin.hpp"

#include <algorithm>
#include <limits>

#include <time.h>

namespace reactorlab::measure {
namespace {

std::uint64_t now_on(clockid_t clock) noexcept {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

Canary run_canary(std::optional<int> cpu) {
  constexpr int kRuns = 3;
  const Pin pin(cpu);
  Canary canary{.fastest_ns = std::numeric_limits<std::uint64_t>::max()};
  const std::uint64_t began = now_on(CLOCK_MONOTONIC);
  for (int run = 0; run < kRuns; ++run) {
    const std::uint64_t before = now_on(CLOCK_THREAD_CPUTIME_ID);
    scenarios::spin(kCanaryIterations);
    const std::uint64_t taken = now_on(CLOCK_THREAD_CPUTIME_ID) - before;
    canary.fastest_ns = std::min(canary.fastest_ns, taken);
    canary.cpu_ns += taken;
  }
  canary.wall_ns = now_on(CLOCK_MONOTONIC) - began;
  return canary;
}

}  // namespace reactorlab::measure
