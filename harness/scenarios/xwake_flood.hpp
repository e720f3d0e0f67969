#pragma once
// xwake_flood: threads notify a task faster than it runs. One operation is a notification; how many of them share one run of the
// task is in the counter `callbacks`. (After libuv's async_pummel.)

#include <atomic>
#include <thread>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/foreign_session.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

struct alignas(64) Flood {
  std::atomic<std::uint64_t> number{0};  // of this producer's latest notification: published by set()
  std::uint64_t count = 0;
  std::uint64_t seen = 0;  // the consumer's
};

struct FloodTable {
  explicit FloodTable(std::uint64_t producers) : floods(producers) {}
  std::vector<Flood> floods;
  AutoResetEvent notified;
  Answer started;
};

inline void notify_often(FloodTable& table, Flood& mine, const InProcessRequest& request) {
  take_foreign_place(request);
  (void)table.started.await_other_than(0);
  for (std::uint64_t i = 1; i <= mine.count; ++i) {
    mine.number.store(i, std::memory_order_relaxed);
    table.notified.set();
  }
}

/// One look at all producers. -> false: a number that had been seen went back
inline bool look(FloodTable& table, std::uint64_t& unfinished) noexcept {
  bool right = true;
  unfinished = 0;
  for (Flood& flood : table.floods) {
    const std::uint64_t number = flood.number.load(std::memory_order_relaxed);
    right &= number >= flood.seen && number <= flood.count;
    flood.seen = number;
    unfinished += number != flood.count;
  }
  return right;
}

/// Ends with everybody's last number: if the notification that brought it got lost, never.
inline Task<> drink(FloodTable& table, const InProcessRequest& request, InProcessReport& report) {
  open_window(request);
  table.started.give_all(1);
  std::uint64_t callbacks = 0;
  for (std::uint64_t unfinished = 1; unfinished != 0;) {
    co_await table.notified.wait();
    ++callbacks;
    report.errors += !look(table, unfinished);
  }
  close_window(request);
  report.errors += callbacks > request.operations;
  report.counters["callbacks"] = callbacks;
}

/// params: producers.
template <class Rt>
InProcessReport xwake_flood(Rt& runtime, const InProcessRequest& request) {
  const std::uint64_t producers = count_param(request, "producers");
  if (request.operations < producers) throw std::invalid_argument{"xwake_flood: each producer needs a notification at least"};
  InProcessReport report;
  FloodTable table{producers};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < producers; ++i) {
    Flood& mine = table.floods[i];
    mine.count = share_of(request.operations, producers, i);
    threads.emplace_back([&] { notify_often(table, mine, request); });
  }
  runtime.block_on(drink(table, request, report));
  for (std::thread& thread : threads) thread.join();
  for (const Flood& flood : table.floods) (flood.seen == flood.count ? report.operations : report.errors) += flood.seen;
  return report;
}

}  // namespace reactorlab::scenarios
