#pragma once
// A thread that isn't the runtime's does a workload, and the runtime answers. A task of it opens and closes the window for that
// thread, since that is where counts may be read.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// A number that one side publishes and the other waits for. 32 bits, because that is what a futex waits for.
class Answer {
 public:
  void give(std::uint32_t number) noexcept {
    number_.store(number, std::memory_order_release);
    number_.notify_one();
  }
  void give_all(std::uint32_t number) noexcept {
    number_.store(number, std::memory_order_release);
    number_.notify_all();
  }
  /// Until it is no longer `old`. -> what it is then
  std::uint32_t await_other_than(std::uint32_t old) const noexcept {
    number_.wait(old, std::memory_order_acquire);
    return number_.load(std::memory_order_acquire);
  }

 private:
  std::atomic<std::uint32_t> number_{0};
};

class ForeignSession {
 public:
  // --- the foreign thread's: the warm-up comes before begin(), what is measured before end()
  void begin() noexcept {
    warm_.set();
    (void)open_.await_other_than(0);
  }
  void end() noexcept { over_.set(); }

  /// The task's side. Ends when these have ended, too.
  Task<> host(const InProcessRequest& request, std::vector<JoinHandle<void>> tasks) {
    co_await warm_.wait();
    open_window(request);
    open_.give(1);
    co_await over_.wait();
    close_window(request);
    for (JoinHandle<void>& task : tasks) co_await task;
  }

 private:
  AutoResetEvent warm_, over_;
  Answer open_;
};

inline constexpr std::uint32_t foreign_warm_up = 16;

/// `round(number)` is one operation, numbered from 1, and says whether its answer was right. On the calling thread, which is
/// foreign.
template <class Round>
void do_foreign_rounds(ForeignSession& session, const InProcessRequest& request, InProcessReport& report,
                       std::vector<std::uint64_t>& durations, Round&& round) {
  using Clock = std::chrono::steady_clock;
  take_foreign_place(request);
  for (std::uint32_t i = 1; i <= foreign_warm_up; ++i) report.errors += !round(i);
  session.begin();
  durations.reserve(request.operations);
  for (std::uint64_t i = 1; i <= request.operations; ++i) {
    const Clock::time_point begin = Clock::now();
    verify(report, round(foreign_warm_up + static_cast<std::uint32_t>(i)));
    durations.push_back(static_cast<std::uint64_t>(std::chrono::nanoseconds{Clock::now() - begin}.count()));
  }
  session.end();
}

/// The whole of it: rounds on a thread of the workload's own, the runtime on this one. Latency is that of a round. `tasks` answer,
/// and end after foreign_warm_up + operations rounds.
template <class Rt, class Round>
InProcessReport run_foreign_rounds(Rt& runtime, const InProcessRequest& request, Round round,
                                   std::vector<JoinHandle<void>> tasks = {}) {
  ForeignSession session;
  InProcessReport report;
  std::vector<std::uint64_t> durations;
  std::thread foreign{[&] { do_foreign_rounds(session, request, report, durations, round); }};
  runtime.block_on(session.host(request, std::move(tasks)));
  foreign.join();
  if (request.on_latency)
    for (const std::uint64_t ns : durations) request.on_latency(ns);
  return report;
}

}  // namespace reactorlab::scenarios
