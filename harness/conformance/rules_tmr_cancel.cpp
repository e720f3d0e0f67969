// TMR: timers. Cancelling, by the million and at the worst moment.

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/timers.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

// --- TMR-13 -------------------------------------------------------------------------------------------------------------------

RULE(TMR_13, a_million_without_a_turn) {
  constexpr std::size_t at_once = 10'000, rounds = REACTORLAB_SANITIZED ? 10 : 100;  // each is slow enough there
  VirtualClock& time = use_virtual_time();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    Timers timers{rt, co_await current_task(), at_once};
    const RuntimeStats before = rt.stats();
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < at_once; ++i) timers.start(i, time.now() + 1h + Duration{i});
      for (std::size_t i = 0; i < at_once; ++i) timers.stop(i);
      if (round != 0) continue;
      co_await timers_are(rt, 0);
      if (rt.stats().pending_timers != 0) co_return;
    }
    if (confined()) {
      EXPECT_LE(rt.stats().turns - before.turns, 1u);
    }
    co_await timers_are(rt, 0);
    co_await events_dispatched(rt);
    EXPECT_EQ(rt.stats().pending_timers, 0u);
  }());
}

BOTH_FORMS_RULE(TMR_13, cancelled_sleepers) {
  VirtualClock& time = use_virtual_time();
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    for (int round = 0; round < 10; ++round) {
      std::vector<JoinHandle<TimePoint>> sleepers;
      for (int i = 0; i < 100; ++i) sleepers.push_back(rt.spawn(sleeping_until(rt, time.now() + 1h)));
      co_await timers_are(rt, 100);
      for (auto& sleeper : sleepers) EXPECT_TRUE(co_await cancelled(sleeper));
      EXPECT_EQ(rt.stats().pending_timers, 0u);
    }
  }());
}

BOTH_FORMS_RULE(TMR_13, limits_that_were_not_needed) {
  use_virtual_time();
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    const auto read = [&]() -> Task<IoResult> {
      std::byte byte[1];
      co_return co_await timeout(rt, 1h, stream.read(byte));
    };
    for (int i = 0; i < 100; ++i) {
      auto reader = rt.spawn(read());
      co_await timers_are(rt, 1);
      put(pair.peer.get(), "x");
      EXPECT_EQ(co_await reader, IoResult{1});
      EXPECT_EQ(rt.stats().pending_timers, 0u);
    }
  }());
}

// --- TMR-14 -------------------------------------------------------------------------------------------------------------------

/// Between the timer's leaving the wheel and the wake of its task, the task is cancelled: by that thread, or by another.
BOTH_FORMS_RULE(TMR_14, cancelled_while_it_fires) {
  SyncPoints points;
  VirtualClock& time = use_virtual_time();
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    for (int round = 0; round < 20; ++round) {
      auto sleeper = rt.spawn(sleeping_until(rt, time.now() + 10ms));
      co_await timers_are(rt, 1);
      std::atomic<bool> asked{false};
      points.at(SyncPoint::timer_taken_out, [&] {
        if (round % 2 == 0) {
          sleeper.cancel();
        } else {
          std::thread{[&] { sleeper.cancel(); }}.join();
        }
        asked = true;  // the last that is touched of ours
      });
      time.advance(13ms);
      while (!asked) co_await yield();    // the driver may be another thread, and the sleeper gone already
      (void)co_await cancelled(sleeper);  // either is an outcome, and there is one
      EXPECT_EQ(rt.stats().pending_timers, 0u);
    }
  }());
}

BOTH_FORMS_RULE(TMR_14, reset_while_it_fires) {
  SyncPoints points;
  VirtualClock& time = use_virtual_time();
  Rt& rt = runtime<Rt>();
  const auto waiting = [](auto& timer) -> Task<TimePoint> {
    EXPECT_EQ(co_await timer.wait(), IoResult{0});
    co_return clock::now();
  };
  rt.block_on([&]() -> Task<> {
    for (int round = 0; round < 20; ++round) {
      BasicDeadlineTimer<Rt> timer{rt, time.now() + 10ms};
      auto waiter = rt.spawn(waiting(timer));
      co_await timers_are(rt, 1);
      while (!all_others_sleep()) std::this_thread::yield();  // polled still, it could see the end before the reset
      const TimePoint deadline = time.now() + 1s;
      std::atomic<bool> was_reset{false};
      points.at(SyncPoint::timer_taken_out, [&] {
        EXPECT_EQ(timer.reset(deadline), IoResult{0});
        was_reset = true;
      });
      time.advance(13ms);
      while (!was_reset) co_await yield();
      for (int turn = 0; turn < 2; ++turn) co_await events_dispatched(rt);
      EXPECT_FALSE(waiter.done()) << "it was reset before it woke anybody";
      EXPECT_EQ(rt.stats().pending_timers, 1u);
      time.advance(1s);
      EXPECT_GE(co_await waiter, deadline);
      EXPECT_EQ(rt.stats().pending_timers, 0u);
    }
  }());
}

/// Its own wake destroys the timer and arms another with the same deadline.
RULE(TMR_14, destroyed_by_its_own_wake) {
  VirtualClock& time = use_virtual_time();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    const TimePoint deadline = time.now() + 10ms;
    std::optional<TimedProbe> probe;
    probe.emplace(rt, deadline, [&] {
      if (probe->polls() == 1) probe->replace(deadline);
    });
    co_await timers_are(rt, 1);
    time.advance(13ms);
    while (probe->polls() < 2) co_await yield();
    for (int turn = 0; turn < 10; ++turn) co_await events_dispatched(rt);
    EXPECT_EQ(probe->polls(), 2u);
    EXPECT_EQ(rt.stats().pending_timers, 0u);
    co_await probe->end();
  }());
}

/// A foreign thread moves the deadline while it comes, again and again.
BOTH_FORMS_RULE(TMR_14, resets_race_with_firing) {
  NEEDS(foreign_registration);
  constexpr unsigned waits = 200, resets = 2'000;
  VirtualClock& time = use_virtual_time(VirtualClock::Mode::automatic);
  Rt& rt = runtime<Rt>();
  BasicDeadlineTimer<Rt> timer{rt};
  const auto waiting = [&]() -> Task<> {
    for (unsigned i = 0; i < waits; ++i) {
      EXPECT_EQ(timer.reset(clock::now() + 2ms), IoResult{0});
      EXPECT_EQ(co_await timer.wait(), IoResult{0});
    }
  };
  auto waiter = rt.spawn(waiting());
  std::minstd_rand random{14};
  for (unsigned i = 0; i < resets; ++i) EXPECT_EQ(timer.reset(time.now() + 1ms * (random() % 3)), IoResult{0});
  waiter.wait();
  EXPECT_EQ(rt.stats().pending_timers, 0u);
}

// --- TMR-16 -------------------------------------------------------------------------------------------------------------------

/// In one poll of one task: ten times as many as the queue of lesson 004 holds, started, stopped and started again.
RULE(TMR_16, no_bound) {
  constexpr std::size_t count = 10'000;
  VirtualClock& time = use_virtual_time();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    Timers timers{rt, co_await current_task(), count};
    const TimePoint deadline = time.now() + 1h;
    for (std::size_t i = 0; i < count; ++i) timers.start(i, deadline);
    for (std::size_t i = 1; i < count; i += 2) timers.stop(i);
    for (std::size_t i = 1; i < count; i += 2) timers.start(i, deadline);
    for (std::size_t i = 0; i < count; i += 2) timers.stop(i);
    co_await timers_are(rt, count / 2);
    time.advance(1h + timer_tolerance);
    co_await timers_are(rt, 0);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (timers.all[i].fired.load() != (i % 2 == 1)) ++wrong;
    }
    EXPECT_EQ(wrong, 0u) << "fired although stopped, or the other way round";
    const TimePoint next = time.now();
    auto sleeper = rt.spawn(sleeping_until(rt, next + 10ms));
    co_await timers_are(rt, 1);
    time.advance(13ms);
    EXPECT_GE(co_await sleeper, next + 10ms);
  }());
}

}  // namespace reactorlab::conformance
