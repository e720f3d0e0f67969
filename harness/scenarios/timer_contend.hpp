#pragma once
// timer_contend: timer_insert_cancel by several threads at once, each with other timers of its own that are pending.

#include <deque>

#include "core/reactorlab.hpp"
#include "harness/scenarios/crew.hpp"
#include "harness/scenarios/timer_insert_cancel.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// In portions, so that whoever shares the thread gets a turn.
template <class Rt>
Task<> insert_and_cancel_beside(Rt& runtime, std::uint64_t live, std::uint64_t count, InProcessReport& report) {
  constexpr std::uint64_t portion = 256;
  FarDeadlines deadlines{clock::now()};
  std::deque<decltype(sleep_until(runtime, TimePoint{}))> pending;
  for (std::uint64_t i = 0; i < live; ++i) {
    pending.push_back(sleep_until(runtime, deadlines.next()));
    report.errors += !co_await Started{pending.back()};
  }
  for (std::uint64_t done = 0; done < count; done += portion) {
    co_await insert_and_cancel(runtime, deadlines, std::min(portion, count - done), report);
    co_await yield();
  }
}

/// params: threads; live, the other timers of each.
template <class Rt>
InProcessReport timer_contend(Rt& runtime, const InProcessRequest& request) {
  const unsigned members = threads_param(request);
  const std::uint64_t live = number_param(request, "live");
  const std::uint64_t before = runtime.stats().pending_timers;
  InProcessReport report =
      run_crew(runtime, members, request, [=](Rt& here, unsigned member, std::uint64_t count, InProcessReport& mine) {
        return insert_and_cancel_beside(here, live, share_of(count, members, member), mine);
      });
  report.errors += runtime.stats().pending_timers != before;
  return report;
}

}  // namespace reactorlab::scenarios
