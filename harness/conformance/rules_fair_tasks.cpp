// FAIR: tasks that keep each other, or their worker, busy.

#include <atomic>
#include <functional>
#include <thread>

#include "harness/conformance/fairness.hpp"
#include "harness/conformance/foreign.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/tasks.hpp"
#include "harness/conformance/timers.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

// --- FAIR-04 ------------------------------------------------------------------------------------------------------------------

namespace {

/// Two tasks of which each wakes the other and then waits for it, until stopped. Where their polls are bounded they give up by
/// themselves far beyond the bound.
class PingPong {
 public:
  PingPong(IRuntime& rt, bool counted)
      : most_{counted ? 100 * polls_per_edge : UINT64_MAX},
        ping_{rt.spawn(play(to_ping_, to_pong_))},
        pong_{rt.spawn(play(to_pong_, to_ping_))} {
    to_ping_.set();
  }
  Task<> stopped() {
    EXPECT_LT(wakes_.load(), most_) << "the two were alone until they gave up";
    stop_.store(true);
    co_await ping_;
    co_await pong_;
  }
  std::uint64_t wakes() const noexcept { return wakes_.load(); }

 private:
  Task<> play(AutoResetEvent& mine, AutoResetEvent& others) {
    while (!stop_.load() && wakes_.fetch_add(1) < most_) {
      co_await mine.wait();
      others.set();
    }
    others.set();
  }

  const std::uint64_t most_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> wakes_{0};
  AutoResetEvent to_ping_, to_pong_;
  JoinHandle<void> ping_, pong_;
};

}  // namespace

RULE(FAIR_04, a_ready_task) {
  const bool counted = one_thread_does_all();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    PingPong pair{rt, counted};
    co_await others_polled();  // the game is on
    for (int round = 0; round < 1'000; ++round) {
      const std::uint64_t before = pair.wakes();
      co_await yield();
      // Who was ready before us has been polled once, and nobody twice.
      if (counted) {
        EXPECT_LE(pair.wakes() - before, 2u) << "round " << round;
      }
    }
    co_await pair.stopped();
  }());
}

RULE(FAIR_04, a_task_with_an_event) {
  const bool counted = one_thread_does_all();
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    PingPong others{rt, counted};
    for (int round = 0; round < 50; ++round) {
      const std::uint64_t before = others.wakes();
      put(pair.peer.get(), "x");
      EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
      if (counted) {
        EXPECT_LE(others.wakes() - before, polls_per_edge) << "round " << round;
      }
    }
    co_await others.stopped();
  }());
}

// --- FAIR-05 ------------------------------------------------------------------------------------------------------------------

namespace {

/// Something that a task waits for, and what brings it about.
struct Happening {
  std::function<Task<>()> wait;
  std::function<void()> cause;
};

Happening byte_on(IRuntime& rt, const Pair& pair) {
  return {[&rt, fd = pair.ours.get()]() -> Task<> {
            auto handle = AsyncFd::borrow(rt, fd);
            EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
            drain(fd);
          },
          [fd = pair.peer.get()] { put(fd, "x"); }};
}

Happening an_hour_on(IRuntime& rt, VirtualClock& time) {
  return {[&rt]() -> Task<> { EXPECT_EQ(co_await sleep(rt, 1h), IoResult{0}); }, [&time] { time.advance(1h + timer_tolerance); }};
}

/// The task that the first one wakes brings the second about, and blocks its worker until a task that waits for that has run.
void blocks_between(IRuntime& rt, const Happening& first, const Happening& second) {
  for (int round = 0; round < 5; ++round) {
    Count released;
    auto releasing = rt.spawn([](const Happening& awaited, Count& release) -> Task<> {
      co_await awaited.wait();
      release.add();
    }(second, released));
    auto blocking = rt.spawn([](const Happening& awaited, const Happening& next, Count& release) -> Task<> {
      co_await awaited.wait();
      next.cause();
      release.wait_for(1);
    }(first, second, released));
    const auto both_wait = [&] {
      const RuntimeStats now = rt.stats();
      return now.waiters + now.pending_timers == 2;
    };
    while (!both_wait() || !all_others_sleep()) std::this_thread::yield();
    first.cause();
    // Before any join: what that sends to the runtime would wake the other worker. A helper that looks around thirty times, which
    // is a call and its return each, and doesn't take over never will.
    const std::uint64_t calls_before = KernelTap::instance().progress();
    while (released.value() == 0 && KernelTap::instance().progress() - calls_before <= 60) std::this_thread::yield();
    EXPECT_EQ(released.value(), 1u) << "nobody took over, round " << round;
    const bool wedged = released.value() == 0;
    if (wedged) released.add();
    blocking.wait();
    releasing.wait();
    if (wedged) return;
  }
}

}  // namespace

RULE(FAIR_05, an_event_releases_who_had_an_event) {
  NEEDS(migration);
  if (workers() < 2) return;
  Pair first = socket_pair(), second = socket_pair();
  IRuntime& rt = runtime();
  blocks_between(rt, byte_on(rt, first), byte_on(rt, second));
}

RULE(FAIR_05, a_timer_releases_who_had_an_event) {
  NEEDS(migration);
  if (workers() < 2) return;
  VirtualClock& time = use_virtual_time();
  Pair pair = socket_pair();
  IRuntime& rt = runtime();
  blocks_between(rt, byte_on(rt, pair), an_hour_on(rt, time));
}

RULE(FAIR_05, an_event_releases_who_had_a_timer) {
  NEEDS(migration);
  if (workers() < 2) return;
  VirtualClock& time = use_virtual_time();
  Pair pair = socket_pair();
  IRuntime& rt = runtime();
  blocks_between(rt, an_hour_on(rt, time), byte_on(rt, pair));
}

}  // namespace reactorlab::conformance
