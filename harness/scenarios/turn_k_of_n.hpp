#pragma once
// turn_k_of_n: many descriptors are registered, few of them become ready at a time. One operation is an event that reached its
// task.

#include <algorithm>
#include <atomic>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// Events are numbered from 1 and go to the descriptors in turn.
struct Turnstile {
  std::vector<int> fds;
  std::atomic<std::uint64_t> unanswered{0};  // of those that are under way
  AutoResetEvent all_answered;
};

/// -> how many events were wrong: another's, an earlier one's, two in one
template <class Rt>
Task<std::uint64_t> answer_own(Rt& runtime, Turnstile& table, std::uint64_t index, std::uint64_t total) {
  auto source = BasicAsyncFd<Rt>::own(runtime, table.fds[index]);
  const std::uint64_t registered = table.fds.size();
  std::uint64_t wrong = 0;
  for (std::uint64_t expected = index + 1; expected <= total; expected += registered) {
    std::uint64_t number = 0;
    const IoResult n = co_await source.read(bytes_of(number));
    wrong += n != IoResult{sizeof number} || number != expected;
    if (table.unanswered.fetch_sub(1, std::memory_order_acq_rel) == 1) table.all_answered.set();
  }
  co_return wrong;
}

/// The events after `first`, so many at a time.
inline Task<> make_ready(Turnstile& table, std::uint64_t first, std::uint64_t count, std::uint64_t ready) {
  for (std::uint64_t done = 0; done < count;) {
    const std::uint64_t these = std::min(ready, count - done);
    table.unanswered.store(these, std::memory_order_relaxed);
    for (std::uint64_t i = 0; i < these; ++i) {
      const std::uint64_t event = first + done + i;
      put(table.fds[event % table.fds.size()], event + 1);
    }
    co_await table.all_answered.wait();
    done += these;
  }
}

template <class Rt>
Task<> turn_k_of_n_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  Turnstile table;
  const std::uint64_t total = warm_up_operations + request.operations;
  const std::uint64_t ready = count_param(request, "ready");
  table.fds.resize(count_param(request, "registered"));
  if (ready > table.fds.size()) throw std::invalid_argument{"turn_k_of_n: no more can be ready than are registered"};
  std::vector<JoinHandle<std::uint64_t>> answering;
  for (std::uint64_t i = 0; i < table.fds.size(); ++i) {
    table.fds[i] = make_eventfd();
    answering.push_back(runtime.spawn(answer_own(runtime, table, i, total)));
  }
  co_await make_ready(table, 0, warm_up_operations, ready);
  open_window(request);
  co_await make_ready(table, warm_up_operations, request.operations, ready);
  close_window(request);
  for (JoinHandle<std::uint64_t>& one : answering) report.errors += co_await one;
  report.operations = request.operations - std::min(request.operations, report.errors);
}

/// params: registered descriptors, ready of them at a time.
template <class Rt>
InProcessReport turn_k_of_n(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(turn_k_of_n_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
