#pragma once
// timer_fire: sleeps that end, many at a time. One operation is one that ended.

#include <limits>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// Each sleeper has one deadline in every span of that length.
inline constexpr Duration timer_fire_span = std::chrono::milliseconds{20};

/// When in the round's span a sleeper wakes.
using OffsetInSpan = Duration(std::uint64_t sleeper, std::uint64_t round) noexcept;

/// Anywhere, the same in every run: the finaliser of SplitMix64 (Steele, Lea and Flood).
inline Duration offset_in_span(std::uint64_t sleeper, std::uint64_t round) noexcept {
  std::uint64_t x = (sleeper << 32 | round) + 0x9E3779B97F4A7C15;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
  x = (x ^ x >> 27) * 0x94D049BB133111EB;
  return Duration{static_cast<std::int64_t>((x ^ x >> 31) % static_cast<std::uint64_t>(timer_fire_span.count()))};
}

struct Sleeper {
  OffsetInSpan* offset;
  std::uint64_t number;
  std::uint64_t rounds;
  std::uint64_t first;  ///< of its places in the list of latenesses
};

/// Ends that came too early, or twice and so before the next deadline, are errors; one that doesn't come hangs.
template <class Rt>
Task<std::uint64_t> sleep_in_rounds(Rt& runtime, TimePoint start, Sleeper me, std::vector<std::uint64_t>& lateness) {
  std::uint64_t errors = 0;
  for (std::uint64_t round = 0; round < me.rounds; ++round) {
    const TimePoint deadline =
        start + Duration{timer_fire_span.count() * static_cast<std::int64_t>(round)} + me.offset(me.number, round);
    const IoResult slept = co_await sleep_until(runtime, deadline);
    const TimePoint now = clock::now();
    errors += !slept || now < deadline;
    lateness[me.first + round] = nanoseconds_of(now) - nanoseconds_of(deadline);
  }
  co_return errors;
}

template <class Rt>
Task<> fire_timers(Rt& runtime, OffsetInSpan* offset, const InProcessRequest& request, InProcessReport& report) {
  const std::uint64_t timers = count_param(request, "timers");
  constexpr std::uint64_t not_fired = std::numeric_limits<std::uint64_t>::max();
  std::vector<std::uint64_t> lateness(request.operations, not_fired);
  std::vector<JoinHandle<std::uint64_t>> sleepers;
  sleepers.reserve(timers);
  open_window(request);
  const TimePoint start = clock::now();
  std::uint64_t first = 0;
  for (std::uint64_t i = 0; i < timers; ++i) {
    const std::uint64_t rounds = share_of(request.operations, timers, i);
    sleepers.push_back(runtime.spawn(sleep_in_rounds(runtime, start, {offset, i, rounds, first}, lateness)));
    first += rounds;
  }
  for (JoinHandle<std::uint64_t>& sleeper : sleepers) report.errors += co_await sleeper;
  close_window(request);
  for (const std::uint64_t ns : lateness) {
    verify(report, ns != not_fired);
    if (ns != not_fired && request.on_latency) request.on_latency(ns);
  }
}

/// params: timers that are pending at a time; each fires again in the next span until all operations are done.
template <class Rt>
InProcessReport timer_fire(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(fire_timers(runtime, &offset_in_span, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
