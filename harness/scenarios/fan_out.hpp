#pragma once
// fan_out: one task notifies many, and goes on when all have answered. One operation is a delivery.

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/crew.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

struct Broadcast {
  explicit Broadcast(std::uint64_t count) : receivers{count}, notified{std::make_unique<AutoResetEvent[]>(count)} {}
  const std::uint64_t receivers;
  std::unique_ptr<AutoResetEvent[]> notified;  // each receiver's
  std::uint64_t number = 0;                    // published by `notified`
  std::atomic<std::uint64_t> unanswered{0};
  AutoResetEvent all_answered;
};

/// Its share of all deliveries, numbered from 1.
inline Task<InProcessReport> receive_all(Broadcast& table, std::uint64_t receiver, std::uint64_t count) {
  InProcessReport report;
  for (std::uint64_t i = 1; i <= count; ++i) {
    co_await table.notified[receiver].wait();
    verify(report, table.number == i);
    if (table.unanswered.fetch_sub(1, std::memory_order_acq_rel) == 1) table.all_answered.set();
  }
  co_return report;
}

/// The last round may not reach everybody.
inline Task<> send_all(Broadcast& table, std::uint64_t total) {
  for (std::uint64_t number = 1, done = 0; done < total; ++number) {
    const std::uint64_t these = std::min(table.receivers, total - done);
    table.number = number;
    table.unanswered.store(these, std::memory_order_relaxed);
    for (std::uint64_t i = 0; i < these; ++i) table.notified[i].set();
    co_await table.all_answered.wait();
    done += these;
  }
}

/// Receivers live on all threads in turn, the sender on the first.
template <class Rt>
Task<> fan_out_on(Rt& runtime, Broadcast& table, unsigned member, unsigned members, std::uint64_t total, InProcessReport& report) {
  std::vector<JoinHandle<InProcessReport>> receiving;
  for (std::uint64_t i = member; i < table.receivers; i += members)
    receiving.push_back(runtime.spawn(receive_all(table, i, share_of(total, table.receivers, i))));
  if (member == 0) co_await send_all(table, total);
  co_await join_all(receiving, report);
}

/// params: receivers, threads.
template <class Rt>
InProcessReport fan_out(Rt& runtime, const InProcessRequest& request) {
  const unsigned members = threads_param(request);
  Broadcast table{count_param(request, "receivers")};
  return run_crew(runtime, members, request, [&](Rt& here, unsigned member, std::uint64_t count, InProcessReport& report) {
    return fan_out_on(here, table, member, members, count, report);
  });
}

}  // namespace reactorlab::scenarios
