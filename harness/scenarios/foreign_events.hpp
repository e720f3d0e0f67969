#pragma once
// A thread outside makes descriptors readable, one at a time, and waits for the answer of the task that reads it. One operation is
// such a round trip. Three workloads are made of it:
//   fd_wake        one worker, idle: how the event finds its task
//   herd           many idle workers: who else gets up
//   hot_neighbour  one worker with neighbours that always have something to read: whether a light task gets its turn

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/crew.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/foreign_session.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

struct ForeignEvents {
  std::vector<int> fds;  // each member's
  Answer pass;           // the latest one that has begun
  Answer answered;       // events, of all passes
  std::atomic<bool> over{false};
};

/// Events 1 to `count` of a pass go to the members in turn. -> how long each took, in ns
inline std::vector<std::uint64_t> send_events(ForeignEvents& table, std::uint32_t first, std::uint64_t count) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::uint64_t> durations;
  durations.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const Clock::time_point begin = Clock::now();
    const std::uint32_t number = first + static_cast<std::uint32_t>(i) + 1;
    put(table.fds[i % table.fds.size()], number);
    (void)table.answered.await_other_than(number - 1);
    durations.push_back(static_cast<std::uint64_t>(std::chrono::nanoseconds{Clock::now() - begin}.count()));
  }
  return durations;
}

/// A neighbour: always something to read, until the pass is over. -> how much it read that was wrong
template <class Rt>
Task<std::uint64_t> read_always(Rt& runtime, const ForeignEvents& table) {
  auto source = BasicAsyncFd<Rt>::own(runtime, make_eventfd(EFD_SEMAPHORE));
  put(source.fd(), std::uint64_t{1} << 62);
  std::uint64_t wrong = 0;
  while (!table.over.load(std::memory_order_relaxed)) {
    std::uint64_t one = 0;
    const IoResult n = co_await source.read(bytes_of(one));
    wrong += n != IoResult{sizeof one} || one != 1;
  }
  co_return wrong;
}

/// A member's share of a pass whose numbers follow `first`.
template <class Rt>
Task<> answer_events(Rt& runtime, ForeignEvents& table, unsigned member, std::uint32_t first, std::uint64_t count,
                     InProcessReport& report) {
  auto source = BasicAsyncFd<Rt>::borrow(runtime, table.fds[member]);
  if (member == 0) table.pass.give(first == 0 ? 1 : 2);
  for (std::uint64_t i = member; i < count; i += table.fds.size()) {
    std::uint64_t number = 0;
    const IoResult n = co_await source.read(bytes_of(number));
    const std::uint32_t expected = first + static_cast<std::uint32_t>(i) + 1;
    verify(report, n == IoResult{sizeof number} && number == expected);
    if (i + 1 == count) table.over.store(true, std::memory_order_relaxed);
    table.answered.give(expected);
  }
}

template <class Rt>
Task<> answer_beside_neighbours(Rt& runtime, ForeignEvents& table, unsigned member, std::uint64_t neighbours, std::uint32_t first,
                                std::uint64_t count, InProcessReport& report) {
  table.over.store(false, std::memory_order_relaxed);
  std::vector<JoinHandle<std::uint64_t>> flooding;
  for (std::uint64_t i = 0; i < neighbours; ++i) flooding.push_back(runtime.spawn(read_always(runtime, table)));
  co_await answer_events(runtime, table, member, first, count, report);
  for (JoinHandle<std::uint64_t>& one : flooding) report.errors += co_await one;
}

/// params: threads (herd), neighbours (hot_neighbour).
template <class Rt>
InProcessReport foreign_events(Rt& runtime, const InProcessRequest& request) {
  const unsigned members = threads_param(request);
  const std::uint64_t neighbours = number_param(request, "neighbours");
  ForeignEvents table;
  std::vector<UniqueFd> owned;
  for (unsigned i = 0; i < members; ++i) table.fds.push_back(owned.emplace_back(make_eventfd()).get());
  std::vector<std::uint64_t> durations;
  std::thread foreign{[&] {
    take_foreign_place(request);
    (void)table.pass.await_other_than(0);
    (void)send_events(table, 0, warm_up_operations);
    (void)table.pass.await_other_than(1);
    durations = send_events(table, warm_up_operations, request.operations);
  }};
  std::atomic<unsigned> warmed_up{0};
  InProcessReport report =
      run_crew(runtime, members, request, [&](Rt& here, unsigned member, std::uint64_t count, InProcessReport& mine) {
        const bool warming_up = warmed_up.fetch_add(1) < members;  // nobody begins the second pass before all have done the first
        return answer_beside_neighbours(here, table, member, neighbours, warming_up ? 0 : warm_up_operations, count, mine);
      });
  foreign.join();
  if (request.on_latency)
    for (const std::uint64_t ns : durations) request.on_latency(ns);
  return report;
}

}  // namespace reactorlab::scenarios
