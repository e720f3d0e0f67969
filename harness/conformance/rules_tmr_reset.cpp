// TMR: timers. Deadlines that change while somebody waits for them.

#include <atomic>
#include <thread>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/timers.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

namespace {

/// A task that waits for the timer. Its result is the time at which it woke.
template <class Rt>
Task<TimePoint> waiting(BasicDeadlineTimer<Rt>& timer) {
  EXPECT_EQ(co_await timer.wait(), IoResult{0});
  co_return clock::now();
}

/// Two turns and every task's poll go by.
template <class Rt>
Task<> life_goes_on(Rt& rt) {
  for (int turn = 0; turn < 2; ++turn) co_await events_dispatched(rt);
}

}  // namespace

// --- TMR-11 -------------------------------------------------------------------------------------------------------------------

/// Somebody sleeps for 10 s; a byte lets another task run, which sleeps for 20 ms. Time moves only for waits that short.
BOTH_FORMS_RULE(TMR_11, by_a_task) {
  VirtualClock& time = use_virtual_time();
  Pair pair = socket_pair();
  std::atomic<bool> byte_sent{false};
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call& call) -> std::optional<long> {
    if (call.extra > 1'000 && !byte_sent.exchange(true)) put(pair.peer.get(), "x");
    if (call.extra > 0 && call.extra <= 22) time.advance(std::chrono::milliseconds{call.extra});
    return std::nullopt;
  });
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    auto long_sleeper = rt.spawn(sleeping_until(rt, time.now() + 10s));
    co_await timers_are(rt, 1);
    EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
    const TimePoint deadline = clock::now() + 20ms;
    EXPECT_LE(co_await sleeping_until(rt, deadline), deadline + timer_tolerance);
    EXPECT_TRUE(co_await cancelled(long_sleeper));
  }());
}

/// The driver is asleep until the 10 s are over when the other worker arms a timer.
BOTH_FORMS_RULE(TMR_11, by_another_worker) {
  if (workers() < 2) return;
  VirtualClock& time = use_virtual_time();
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call& call) -> std::optional<long> {
    if (call.extra > 0 && call.extra <= 22) time.advance(std::chrono::milliseconds{call.extra});
    return std::nullopt;
  });
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    auto long_sleeper = rt.spawn(sleeping_until(rt, time.now() + 10s));
    co_await timers_are(rt, 1);
    script.wait_until_asleep();
    const TimePoint deadline = clock::now() + 20ms;
    EXPECT_LE(co_await sleeping_until(rt, deadline), deadline + timer_tolerance);
    EXPECT_TRUE(co_await cancelled(long_sleeper));
  }());
}

BOTH_FORMS_RULE(TMR_11, by_a_foreign_thread) {
  NEEDS(foreign_registration);
  VirtualClock& time = use_virtual_time();
  Script script;
  Rt& rt = runtime<Rt>();
  BasicDeadlineTimer<Rt> timer{rt, time.now() + 10s};
  auto waiter = rt.spawn(waiting(timer));
  while (rt.stats().pending_timers == 0) std::this_thread::yield();
  script.wait_until_asleep();
  const TimePoint deadline = time.now() + 20ms;
  EXPECT_EQ(timer.reset(deadline), IoResult{0});
  time.advance(23ms);
  EXPECT_LE(waiter.wait(), deadline + 3ms);
}

// --- TMR-12 -------------------------------------------------------------------------------------------------------------------

namespace {

constexpr Duration first_deadline = 1s;
constexpr Duration resets[] = {500ms, 2s, 1s, -1h, 0ns, std::chrono::hours{24 * 40}};

/// Time is 0 when this is called, and `to` after that the new deadline: the waiter must sleep until then, and not longer.
template <class Rt>
Task<> fires_at(Rt& rt, VirtualClock& time, JoinHandle<TimePoint>& waiter, TimePoint start, Duration to) {
  if (to > timer_tick) {
    time.advance(to - timer_tick);
    co_await life_goes_on(rt);
    EXPECT_FALSE(waiter.done()) << to.count();
    time.advance(timer_tick + timer_tolerance);
  }
  const TimePoint woken = co_await waiter;
  EXPECT_GE(woken - start, to);
  EXPECT_EQ(rt.stats().pending_timers, 0u);
}

}  // namespace

BOTH_FORMS_RULE(TMR_12, before_and_while_somebody_waits) {
  VirtualClock& time = use_virtual_time();
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    for (const bool waits : {false, true}) {
      for (const Duration to : resets) {
        const TimePoint start = time.now();
        BasicDeadlineTimer<Rt> timer{rt, start + first_deadline};
        if (!waits) {
          EXPECT_EQ(timer.reset(start + to), IoResult{0});
        }
        auto waiter = rt.spawn(waiting(timer));
        if (waits) {
          co_await timers_are(rt, 1);
          EXPECT_EQ(timer.reset(start + to), IoResult{0});
        }
        EXPECT_EQ(timer.deadline(), start + to);
        co_await fires_at(rt, time, waiter, start, to);
      }
    }
  }());
}

BOTH_FORMS_RULE(TMR_12, again_after_it_has_fired) {
  VirtualClock& time = use_virtual_time();
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    BasicDeadlineTimer<Rt> timer{rt, time.now()};
    for (const Duration to : resets) {
      const TimePoint start = time.now();
      EXPECT_EQ(co_await timer.wait(), IoResult{0}) << "a deadline that has passed has passed";
      EXPECT_EQ(timer.reset(start + to), IoResult{0});
      auto waiter = rt.spawn(waiting(timer));
      co_await fires_at(rt, time, waiter, start, to);
    }
  }());
}

/// Each reset comes while the reactor sleeps.
BOTH_FORMS_RULE(TMR_12, by_a_foreign_thread) {
  NEEDS(foreign_registration);
  VirtualClock& time = use_virtual_time();
  Script script;
  Rt& rt = runtime<Rt>();
  for (const Duration to : resets) {
    const TimePoint start = time.now();
    BasicDeadlineTimer<Rt> timer{rt, start + first_deadline};
    auto waiter = rt.spawn(waiting(timer));
    while (rt.stats().pending_timers == 0) std::this_thread::yield();
    script.wait_until_asleep();
    EXPECT_EQ(timer.reset(start + to), IoResult{0});
    if (to > timer_tick) {
      time.advance(to - timer_tick);
      rt.block_on(life_goes_on(rt));
      EXPECT_FALSE(waiter.done());
      time.advance(timer_tick + timer_tolerance);
    }
    EXPECT_GE(waiter.wait() - start, to);
  }
}

/// On a confined runtime it is refused, and nothing has changed.
BOTH_FORMS_RULE(TMR_12, refused_elsewhere) {
  if (configuration().capabilities.foreign_registration) return;
  VirtualClock& time = use_virtual_time();
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    const TimePoint start = time.now();
    BasicDeadlineTimer<Rt> timer{rt, start + first_deadline};
    auto waiter = rt.spawn(waiting(timer));
    co_await timers_are(rt, 1);
    std::thread{[&] {
      EXPECT_EQ(timer.reset(start), IoResult{-EXDEV});
      const auto another = make();  // with a reactor of its own
      EXPECT_EQ(timer.reset(start), IoResult{-EXDEV});
    }}.join();
    co_await fires_at(rt, time, waiter, start, first_deadline);
  }());
}

// --- TMR-15 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(TMR_15, the_latest_is_woken) {
  VirtualClock& time = use_virtual_time();
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    const TimePoint deadline = time.now() + 1s;
    BasicDeadlineTimer<Rt> timer{rt, deadline};
    const auto replaced = [&]() -> Task<IoResult> { co_return co_await timer.wait(); };
    for (int i = 0; i < 10; ++i) {
      auto former = rt.spawn(replaced());
      co_await timers_are(rt, 1);
      auto latter = rt.spawn(waiting(timer));
      EXPECT_EQ(co_await former, IoResult{-ECANCELED});
      EXPECT_EQ(rt.stats().pending_timers, 1u);
      if (i < 9) {
        EXPECT_TRUE(co_await cancelled(latter));
        EXPECT_EQ(rt.stats().pending_timers, 0u);
        continue;
      }
      time.advance(1s + timer_tolerance);
      EXPECT_GE(co_await latter, deadline);
    }
  }());
}

}  // namespace reactorlab::conformance
