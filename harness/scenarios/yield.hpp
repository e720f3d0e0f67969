#pragma once
// yield: the executor's round, with no reactor in it but for the turn that is owed to it every so often.

#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// With one worker tasks that only yield take turns: their polls are numbered, and each knows its own numbers beforehand.
struct RoundRobin {
  std::uint64_t next = 0;
  std::uint64_t out_of_turn = 0;
  void take(std::uint64_t expected) noexcept { out_of_turn += next++ != expected; }
};

inline Task<> yield_in_turn(RoundRobin& order, std::uint64_t first, std::uint64_t step, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    order.take(first + i * step);
    co_await yield();
  }
}

/// Several workers: no order to check.
inline Task<> yield_freely(std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) co_await yield();
}

template <class Rt>
Task<> yield_all(Rt& runtime, std::uint64_t tasks, std::uint64_t operations, InProcessReport& report) {
  RoundRobin order;
  std::vector<JoinHandle<void>> yielding;
  yielding.reserve(tasks);
  for (std::uint64_t i = 0; i < tasks; ++i) {
    const std::uint64_t count = share_of(operations, tasks, i);
    yielding.push_back(runtime.spawn(runtime.info().workers == 1 ? yield_in_turn(order, i, tasks, count) : yield_freely(count)));
  }
  for (JoinHandle<void>& one : yielding) co_await one;
  report.operations += operations - order.out_of_turn;
  report.errors += order.out_of_turn;
}

template <class Rt>
Task<> yield_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  const std::uint64_t tasks = count_param(request, "tasks");
  InProcessReport warm_up;
  co_await yield_all(runtime, tasks, warm_up_operations, warm_up);
  open_window(request);
  co_await yield_all(runtime, tasks, request.operations, report);
  close_window(request);
  report.errors += warm_up.errors;
}

/// params: tasks, each of which yields in its turn.
template <class Rt>
InProcessReport yield_round(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(yield_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
