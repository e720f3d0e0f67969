#pragma once
// lateness_under_io: tasks that exchange messages as fast as they can, and one that wakes every millisecond. One operation is a
// message and its echo; latency is how late the ticks are.

#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/crew.hpp"
#include "harness/scenarios/pipe_echo.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// Ticks until told to stop, at least one. -> how late each was, in ns; -1: too early, or no tick at all
template <class Rt>
Task<std::vector<std::int64_t>> tick(Rt& runtime, const std::atomic<bool>& over) {
  std::vector<std::int64_t> lateness;
  do {
    const TimePoint deadline = clock::now() + std::chrono::milliseconds{1};
    const IoResult slept = co_await sleep_until(runtime, deadline);
    const auto late = static_cast<std::int64_t>(nanoseconds_of(clock::now()) - nanoseconds_of(deadline));
    lateness.push_back(slept && late >= 0 ? late : -1);
  } while (!over.load(std::memory_order_relaxed));
  co_return lateness;
}

/// One pair of tasks that exchange messages.
template <class Rt>
Task<InProcessReport> exchange_all(Rt& runtime, std::uint64_t count) {
  InProcessReport report;
  AsyncPipe<Rt> there{runtime}, back{runtime};
  JoinHandle<void> echoing = runtime.spawn(echo_messages(there.out, back.in, count));
  co_await exchange_messages(there.in, back.out, 0, count, report);
  co_await echoing;
  co_return report;
}

template <class Rt>
Task<> lateness_under_io_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  const std::uint64_t pairs = count_param(request, "pairs");
  const InProcessReport warm_up = co_await exchange_all(runtime, warm_up_operations);
  std::atomic<bool> over{false};
  open_window(request);
  auto ticking = runtime.spawn(tick(runtime, over));
  std::vector<JoinHandle<InProcessReport>> exchanging;
  for (std::uint64_t i = 0; i < pairs; ++i)
    exchanging.push_back(runtime.spawn(exchange_all(runtime, share_of(request.operations, pairs, i))));
  co_await join_all(exchanging, report);
  close_window(request);
  report.errors += warm_up.errors;
  over.store(true, std::memory_order_relaxed);
  for (const std::int64_t late : co_await ticking) {
    report.errors += late < 0;
    if (late >= 0 && request.on_latency) request.on_latency(static_cast<std::uint64_t>(late));
  }
}

/// params: pairs of tasks that exchange messages.
template <class Rt>
InProcessReport lateness_under_io(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(lateness_under_io_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
