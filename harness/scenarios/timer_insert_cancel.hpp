#pragma once
// timer_insert_cancel: what a time-out costs that never comes, among many others that are pending.

#include <deque>

#include "core/reactorlab.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// co_await Started{sleep}: its timer is pending and the task goes on. It ends with the operation. -> whether it is pending
template <class Sleep>
struct Started {
  Sleep& sleep;
  bool pending = false;

  bool await_ready() const noexcept { return false; }
  template <TaskPromise Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    pending = sleep.await_suspend(frame);
    return false;
  }
  bool await_resume() const noexcept { return pending; }
};
template <class Sleep>
Started(Sleep&) -> Started<Sleep>;

/// An hour and more from a common start, spread over 2^42 ns (73 minutes) by Fibonacci hashing.
class FarDeadlines {
 public:
  explicit FarDeadlines(TimePoint now) noexcept : base_{now + std::chrono::hours{1}} {}
  TimePoint next() noexcept {
    state_ += 0x9E3779B97F4A7C15;
    return base_ + Duration{static_cast<std::int64_t>(state_ >> 22)};
  }

 private:
  TimePoint base_;
  std::uint64_t state_ = 0;
};

template <class Rt>
Task<> insert_and_cancel(Rt& runtime, FarDeadlines& deadlines, std::uint64_t count, InProcessReport& report) {
  for (std::uint64_t i = 0; i < count; ++i) {
    auto sleep = sleep_until(runtime, deadlines.next());
    verify(report, co_await Started{sleep});
  }
}

template <class Rt>
Task<> timer_insert_cancel_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  const std::uint64_t live = count_param(request, "live");
  const std::uint64_t others = runtime.stats().pending_timers;
  FarDeadlines deadlines{clock::now()};
  std::deque<decltype(sleep_until(runtime, TimePoint{}))> pending;
  for (std::uint64_t i = 0; i < live; ++i) {
    pending.push_back(sleep_until(runtime, deadlines.next()));
    report.errors += !co_await Started{pending.back()};
  }
  InProcessReport warm_up;
  co_await insert_and_cancel(runtime, deadlines, warm_up_operations, warm_up);
  open_window(request);
  co_await insert_and_cancel(runtime, deadlines, request.operations, report);
  close_window(request);
  report.errors += warm_up.errors;
  report.errors += runtime.stats().pending_timers != others + live;
}

/// params: live, the number of other timers that are pending.
template <class Rt>
InProcessReport timer_insert_cancel(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(timer_insert_cancel_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
