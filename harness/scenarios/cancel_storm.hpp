#pragma once
// cancel_storm: tasks that wait for descriptors and for time, all cancelled at once. One operation is a wait that was given up.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/park_wake_self.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// Tasks at a time: half of them read, the others sleep.
inline constexpr std::uint64_t cancelled_at_once = 128;

template <class Rt>
Task<> wait_in_vain(BasicAsyncFd<Rt>& source, std::atomic<std::uint64_t>& begun) {
  begun.fetch_add(1, std::memory_order_relaxed);
  (void)co_await source.readable();
}

template <class Rt>
Task<> sleep_in_vain(Rt& runtime, std::atomic<std::uint64_t>& begun) {
  begun.fetch_add(1, std::memory_order_relaxed);
  (void)co_await sleep(runtime, std::chrono::hours{1});
}

/// Starts so many, lets them park, cancels them and sees them all end. -> how many ended otherwise
template <class Rt>
Task<std::uint64_t> cancel_at_once(Rt& runtime, std::vector<BasicAsyncFd<Rt>>& sources, std::uint64_t count) {
  TaskHeader& me = co_await current_task();
  std::atomic<std::uint64_t> begun{0};
  std::vector<JoinHandle<void>> handles;
  handles.reserve(count);
  Children children{me, count};
  for (std::uint64_t i = 0; i < count; ++i)
    handles.push_back(children.start(i % 2 == 0 ? wait_in_vain(sources[i / 2], begun) : sleep_in_vain(runtime, begun)));
  while (begun.load(std::memory_order_relaxed) != count) co_await yield();
  children.cancel_all();
  while (!children.empty()) (void)co_await children.next_end();
  co_return std::count_if(handles.begin(), handles.end(),
                          [](const auto& one) { return one.header()->outcome != TaskOutcome::cancelled; });
}

template <class Rt>
Task<> cancel_in_storms(Rt& runtime, std::vector<BasicAsyncFd<Rt>>& sources, std::uint64_t count, InProcessReport& report) {
  for (std::uint64_t done = 0; done < count;) {
    const std::uint64_t these = std::min(cancelled_at_once, count - done);
    const std::uint64_t wrong = co_await cancel_at_once(runtime, sources, these);
    report.operations += these - wrong;
    report.errors += wrong;
    done += these;
  }
}

template <class Rt>
Task<> cancel_storm_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  const RuntimeStats before = runtime.stats();
  {
    std::vector<BasicAsyncFd<Rt>> sources;
    for (std::uint64_t i = 0; i < cancelled_at_once / 2; ++i) sources.push_back(BasicAsyncFd<Rt>::own(runtime, make_eventfd()));
    InProcessReport warm_up;
    co_await cancel_in_storms(runtime, sources, warm_up_operations, warm_up);
    open_window(request);
    co_await cancel_in_storms(runtime, sources, request.operations, report);
    close_window(request);
    report.errors += warm_up.errors;
    for (auto& source : sources) co_await park_and_wake(source, 1, warm_up);  // they serve the next reader as if nothing had been
    report.errors += warm_up.operations != warm_up_operations + sources.size();
  }
  const RuntimeStats after = runtime.stats();
  report.errors += after.registrations != before.registrations;
  report.errors += after.waiters != before.waiters;
  report.errors += after.pending_timers != before.pending_timers;
}

template <class Rt>
InProcessReport cancel_storm(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(cancel_storm_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
