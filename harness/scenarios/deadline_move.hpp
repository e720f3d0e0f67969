#pragma once
// deadline_move: an idle time-out that is put off by everything that happens, while a task waits for it. One operation is a move.

#include "core/reactorlab.hpp"
#include "harness/scenarios/timer_insert_cancel.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

template <class Rt>
Task<bool> await_deadline(BasicDeadlineTimer<Rt>& timer, bool& woken) {
  const IoResult slept = co_await timer.wait();
  woken = true;
  co_return slept.ok() && timer.deadline() <= clock::now();
}

template <class Rt>
void move_deadline(BasicDeadlineTimer<Rt>& timer, FarDeadlines& deadlines, std::uint64_t count, InProcessReport& report) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const TimePoint next = deadlines.next();
    const IoResult moved = timer.reset(next);
    verify(report, moved.ok());
  }
  report.errors += timer.deadline() <= clock::now();
}

template <class Rt>
Task<> deadline_move_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  const std::uint64_t others = runtime.stats().pending_timers;
  FarDeadlines deadlines{clock::now()};
  BasicDeadlineTimer<Rt> timer{runtime, deadlines.next()};
  bool woken = false;
  JoinHandle<bool> waiting = runtime.spawn(await_deadline(timer, woken));
  while (runtime.stats().pending_timers == others) co_await yield();  // until it waits
  InProcessReport warm_up;
  move_deadline(timer, deadlines, warm_up_operations, warm_up);
  open_window(request);
  move_deadline(timer, deadlines, request.operations, report);
  close_window(request);
  report.errors += warm_up.errors;
  report.errors += woken || runtime.stats().pending_timers != others + 1;  // one timer, however often it was moved
  report.errors += !timer.reset(clock::now());
  report.errors += !co_await waiting;
}

template <class Rt>
InProcessReport deadline_move(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(deadline_move_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
