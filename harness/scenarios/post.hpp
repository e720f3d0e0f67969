#pragma once
// post: threads that aren't the runtime's hand it jobs. One operation is a job that ran.

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// Who posts faster than jobs run waits until half of its own are done: what is in flight stays in the pools.
inline constexpr std::uint64_t posts_in_flight = 2048;

/// One producer's jobs, numbered from 1.
struct alignas(64) Posted {
  std::uint64_t count = 0;
  std::atomic<std::uint64_t> sum{0};  ///< of the numbers of the jobs that ran: each exactly once
  std::atomic<std::uint32_t> done{0};
};

struct PostTable {
  explicit PostTable(std::uint64_t producers) : posted(producers), unfinished(producers) {}
  std::vector<Posted> posted;
  std::atomic<std::uint64_t> unfinished;  ///< producers with jobs that haven't run
  std::atomic<std::uint32_t> started{0};
  AutoResetEvent all_done;
};

inline Task<> job(PostTable& table, Posted& mine, std::uint64_t number) {
  const std::uint64_t count = mine.count;  // whoever isn't the last touches nothing once it is counted: the table may go
  mine.sum.fetch_add(number, std::memory_order_relaxed);
  const std::uint32_t done = mine.done.fetch_add(1, std::memory_order_acq_rel) + 1;
  if (done % (posts_in_flight / 2) == 0) mine.done.notify_one();
  if (done == count && table.unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) table.all_done.set();
  co_return;
}

/// The foreign side.
template <class Rt>
void post_jobs(Rt& runtime, PostTable& table, Posted& mine, const InProcessRequest& request) {
  take_foreign_place(request);
  table.started.wait(0);
  for (std::uint64_t i = 0; i < mine.count; ++i) {
    if (i % (posts_in_flight / 2) == 0 && i >= posts_in_flight) {
      const auto enough = static_cast<std::uint32_t>(i - posts_in_flight / 2);
      for (std::uint32_t seen = mine.done.load(); static_cast<std::int32_t>(seen - enough) < 0; seen = mine.done.load())
        mine.done.wait(seen);
    }
    runtime.spawn(job(table, mine, i + 1)).detach();
  }
}

inline Task<> start_and_await(PostTable& table, const InProcessRequest& request) {
  open_window(request);
  table.started.store(1);
  table.started.notify_all();
  co_await table.all_done.wait();
  close_window(request);
}

/// params: producers.
template <class Rt>
InProcessReport post(Rt& runtime, const InProcessRequest& request) {
  const std::uint64_t producers = count_param(request, "producers");
  if (request.operations < producers) throw std::invalid_argument{"post: each producer needs a job at least"};
  PostTable table{producers};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < producers; ++i) {
    Posted& mine = table.posted[i];
    mine.count = share_of(request.operations, producers, i);
    threads.emplace_back([&] { post_jobs(runtime, table, mine, request); });
  }
  runtime.block_on(start_and_await(table, request));
  for (std::thread& thread : threads) thread.join();
  InProcessReport report;
  for (const Posted& posted : table.posted) {
    report.operations += posted.done;
    report.errors += posted.done != posted.count || posted.sum != posted.count * (posted.count + 1) / 2;
  }
  return report;
}

}  // namespace reactorlab::scenarios
