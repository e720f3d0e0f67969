#pragma once
// cross_thread_wake: a thread that isn't the runtime's notifies a parked task, which answers. One operation is a round trip.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// The two mailboxes. Numbers count from 1; 32 bits, because that is what a futex waits for.
struct PingPong {
  std::uint32_t ping = 0;  // published by set()
  AutoResetEvent pinged;
  std::atomic<std::uint32_t> pong{0};
};

/// The foreign side. -> how long each round trip took, in ns
inline std::vector<std::uint64_t> ping(PingPong& table, std::uint32_t rounds, const InProcessRequest& request) {
  using Clock = std::chrono::steady_clock;
  take_foreign_place(request);
  std::vector<std::uint64_t> durations(rounds);
  for (std::uint32_t i = 1; i <= rounds; ++i) {
    const Clock::time_point begin = Clock::now();
    table.ping = i;
    table.pinged.set();
    table.pong.wait(i - 1, std::memory_order_acquire);
    durations[i - 1] = static_cast<std::uint64_t>(std::chrono::nanoseconds{Clock::now() - begin}.count());
  }
  return durations;
}

inline void answer(PingPong& table, std::uint32_t number) noexcept {
  table.pong.store(number, std::memory_order_release);
  table.pong.notify_one();
}

/// The task. The last answer of the warm-up opens the window.
inline Task<> pong(PingPong& table, std::uint32_t warm_up, const InProcessRequest& request, InProcessReport& report) {
  for (std::uint32_t i = 1; i <= warm_up; ++i) {
    co_await table.pinged.wait();
    report.errors += table.ping != i;
    if (i == warm_up) open_window(request);
    answer(table, i);
  }
  for (std::uint64_t i = 1; i <= request.operations; ++i) {
    co_await table.pinged.wait();
    verify(report, table.ping == warm_up + i);
    if (i == request.operations) close_window(request);
    answer(table, warm_up + static_cast<std::uint32_t>(i));
  }
}

template <class Rt>
InProcessReport cross_thread_wake(Rt& runtime, const InProcessRequest& request) {
  constexpr std::uint32_t warm_up = 16;
  InProcessReport report;
  PingPong table;
  std::vector<std::uint64_t> durations;
  std::thread foreign{[&] { durations = ping(table, warm_up + static_cast<std::uint32_t>(request.operations), request); }};
  runtime.block_on(pong(table, warm_up, request, report));
  foreign.join();
  if (request.on_latency)
    for (std::size_t i = warm_up; i < durations.size(); ++i) request.on_latency(durations[i]);
  return report;
}

}  // namespace reactorlab::scenarios
