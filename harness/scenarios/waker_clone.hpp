#pragma once
// waker_clone: a waker is copied, used and dropped; the task that it names is queued already, but for the first of every 64.

#include <atomic>

#include "core/reactorlab.hpp"
#include "core/wait_operation.hpp"
#include "core/waker.hpp"
#include "harness/scenarios/handle_acquire.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

inline constexpr std::uint64_t wakes_per_poll = 64;

struct Summons {
  Waker waker;  // published by `parked`
  AutoResetEvent parked;
  std::atomic<std::uint64_t> number{0};  // of the latest wake
  // the waiting task's
  std::uint64_t seen = 0;
  std::uint64_t polls = 0;
  std::uint64_t backwards = 0;
};

/// co_await: until the wake of that number. Every poll looks at the latest one, which must be visible to it.
class AwaitSummons : public WaitOperation<AwaitSummons> {
 public:
  AwaitSummons(Summons& table, std::uint64_t last) noexcept : table_{table}, last_{last} {}
  void await_resume() const noexcept {}

  bool try_now() noexcept { return false; }
  bool progress() noexcept {
    if (!table_.waker) {
      table_.waker = Waker{task()};
      table_.parked.set();
      return false;
    }
    ++table_.polls;
    const std::uint64_t number = table_.number.load(std::memory_order_relaxed);  // a wake publishes what comes before it
    table_.backwards += number < table_.seen;
    table_.seen = number;
    return number == last_;
  }

 private:
  Summons& table_;
  const std::uint64_t last_;
};

inline Task<> be_summoned(Summons& table, std::uint64_t last) { co_await AwaitSummons{table, last}; }

inline Task<> summon(Summons& table, std::uint64_t first, std::uint64_t count) {
  for (std::uint64_t i = 1; i <= count; ++i) {
    Waker clone = table.waker;
    keep(clone);
    table.number.store(first + i, std::memory_order_relaxed);
    clone.wake();
    if (i % wakes_per_poll == 0) co_await yield();
  }
}

template <class Rt>
Task<> waker_clone_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  static_assert(warm_up_operations % wakes_per_poll == 0);
  Summons table;
  const std::uint64_t total = warm_up_operations + request.operations;
  JoinHandle<void> summoned = runtime.spawn(be_summoned(table, total));
  co_await table.parked.wait();
  co_await summon(table, 0, warm_up_operations);
  open_window(request);
  co_await summon(table, warm_up_operations, request.operations);
  close_window(request);
  co_await summoned;  // the last wake wasn't lost
  report.errors = table.backwards + (table.seen != total);
  // One worker polls once for each 64 wakes; several may look as often as there are wakes.
  const std::uint64_t fewest = (total + wakes_per_poll - 1) / wakes_per_poll;
  report.errors += runtime.info().workers == 1 ? table.polls != fewest : table.polls == 0 || table.polls > total;
  report.operations = report.errors == 0 ? request.operations : 0;
}

template <class Rt>
InProcessReport waker_clone(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(waker_clone_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
