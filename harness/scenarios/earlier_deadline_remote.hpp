#pragma once
// earlier_deadline_remote: a task sleeps until a deadline an hour away, and the reactor with it; a thread outside moves the
// deadline into the past, a few ticks of the wheel ago, so that no tick has to be waited for. One operation: from there to the
// answer of the task. Who forgets to shorten the wait answers in an hour.

#include <atomic>
#include <chrono>

#include "core/reactorlab.hpp"
#include "harness/scenarios/foreign_session.hpp"

namespace reactorlab::scenarios {

template <class Rt>
struct Appointment {
  explicit Appointment(Rt& runtime) : timer{runtime, far()} {}

  BasicDeadlineTimer<Rt> timer;
  Answer kept;
  bool right = false;                 // published by `kept`
  std::atomic<std::uint64_t> due{0};  // what the deadline was moved to, in ns

  static TimePoint far() { return clock::now() + std::chrono::hours{1}; }
  void make_due() noexcept {
    const TimePoint past = clock::now() + std::chrono::milliseconds{-4};
    due.store(nanoseconds_of(past), std::memory_order_relaxed);
    (void)timer.reset(past);  // refused: no answer comes
  }
};

template <class Rt>
Task<> keep_appointments(Appointment<Rt>& table, std::uint32_t count) {
  for (std::uint32_t number = 1; number <= count; ++number) {
    const IoResult slept = co_await table.timer.wait();
    const bool early = nanoseconds_of(clock::now()) < table.due.load(std::memory_order_relaxed);
    const IoResult again = table.timer.reset(Appointment<Rt>::far());
    table.right = slept && again && !early;
    table.kept.give(number);
  }
}

template <class Rt>
Task<> make_due(Appointment<Rt>& table) {
  table.make_due();
  co_return;
}

/// params: forwarded. 0: the thread outside moves the deadline, of a runtime that allows it; 1: it spawns a task that does.
template <class Rt>
InProcessReport earlier_deadline_remote(Rt& runtime, const InProcessRequest& request) {
  const bool forwarded = number_param(request, "forwarded") != 0;
  Appointment<Rt> table{runtime};
  std::vector<JoinHandle<void>> keeping;
  keeping.push_back(runtime.spawn(keep_appointments(table, foreign_warm_up + static_cast<std::uint32_t>(request.operations))));
  return run_foreign_rounds(
      runtime, request,
      [&](std::uint32_t number) {
        if (forwarded)
          runtime.spawn(make_due(table)).detach();
        else
          table.make_due();
        (void)table.kept.await_other_than(number - 1);
        return table.right;
      },
      std::move(keeping));
}

}  // namespace reactorlab::scenarios
