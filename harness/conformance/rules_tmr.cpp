// TMR: timers. When they fire.

#include <algorithm>
#include <atomic>
#include <random>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/timers.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

// --- TMR-01 -------------------------------------------------------------------------------------------------------------------

namespace {

template <class Rt>
Task<> sleep_at_random(Rt& rt, unsigned seed, unsigned times, std::atomic<unsigned>& early) {
  std::minstd_rand random{seed};
  for (unsigned i = 0; i < times; ++i) {
    const TimePoint deadline = clock::now() + Duration{random() % 50'000'000};
    EXPECT_EQ(co_await sleep_until(rt, deadline), IoResult{0});
    if (clock::now() < deadline) early.fetch_add(1);
  }
}

template <class Rt>
void nobody_wakes_early(Rt& rt, unsigned tasks, unsigned times) {
  std::atomic<unsigned> early{0};
  rt.block_on([&]() -> Task<> {
    std::vector<JoinHandle<void>> sleepers;
    for (unsigned seed = 1; seed <= tasks; ++seed) sleepers.push_back(rt.spawn(sleep_at_random(rt, seed, times, early)));
    for (auto& sleeper : sleepers) co_await sleeper;
  }());
  EXPECT_EQ(early, 0u) << "of " << tasks * times;
}

}  // namespace

BOTH_FORMS_RULE(TMR_01, virtual_time) {
  use_virtual_time(VirtualClock::Mode::automatic);
  nobody_wakes_early(runtime<Rt>(), 100, 200);
}

BOTH_FORMS_RULE(TMR_01, real_time) { nobody_wakes_early(runtime<Rt>(), 200, 5); }

// --- TMR-02 -------------------------------------------------------------------------------------------------------------------

/// Nothing else goes on, and time moves only by what the runtime asks its waits for.
BOTH_FORMS_RULE(TMR_02, virtual_time) {
  use_virtual_time(VirtualClock::Mode::automatic);
  Rt& rt = runtime<Rt>();
  Duration latest{0};
  rt.block_on([&]() -> Task<> {
    for (int i = 0; i < 50; ++i) {
      const TimePoint deadline = clock::now() + i * 7ms + 123'457ns;
      (void)co_await sleep_until(rt, deadline);
      latest = std::max(latest, clock::now() - deadline);
    }
  }());
  EXPECT_LE(latest, timer_tolerance);
}

// --- TMR-03 -------------------------------------------------------------------------------------------------------------------

/// The wait ends with nothing, at the very nanosecond of the deadline.
BOTH_FORMS_RULE(TMR_03, ends_at_the_deadline) {
  constexpr unsigned given_up = 1'000;
  VirtualClock& time = use_virtual_time();
  const TimePoint start = time.now();
  const TimePoint deadline = whole_tick(start, 10ms);
  std::atomic<bool> reached{false}, woken{false};
  std::atomic<unsigned> waits{0};
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call& call) -> std::optional<long> {
    if (woken || (!reached && call.extra <= 0)) return std::nullopt;
    if (!reached.exchange(true)) {
      time.advance(deadline - start);
      return 0;
    }
    if (++waits == given_up) time.advance(1s);
    return std::nullopt;
  });
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    const TimePoint at = co_await sleeping_until(rt, deadline);
    woken = true;
    EXPECT_EQ(at - deadline, 0ns);
    if (confined()) {
      EXPECT_EQ(waits, 0u);
    }  // elsewhere others may wait, and be woken, before this task runs
  }());
}

// --- TMR-04 -------------------------------------------------------------------------------------------------------------------

/// Time stands still, and nothing ever comes: a sleep that waited for anything would hang.
BOTH_FORMS_RULE(TMR_04, past_sleeps) {
  VirtualClock& time = use_virtual_time();
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    EXPECT_EQ(co_await sleep(rt, 0ns), IoResult{0});
    EXPECT_EQ(co_await sleep(rt, -1h), IoResult{0});
    EXPECT_EQ(co_await sleep(rt, Duration::min()), IoResult{0});
    EXPECT_EQ(co_await sleep_until(rt, time.now()), IoResult{0});
    EXPECT_EQ(co_await sleep_until(rt, TimePoint{0}), IoResult{0});
    EXPECT_EQ(rt.stats().pending_timers, 0u);
  }());
}

BOTH_FORMS_RULE(TMR_04, past_limit_of_an_operation) {
  use_virtual_time();
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    std::byte byte[1];
    EXPECT_EQ(co_await timeout(rt, 0ns, stream.read(byte)), IoResult{-ETIME});
    EXPECT_EQ(co_await timeout(rt, -1h, stream.read(byte)), IoResult{-ETIME});
    put(pair.peer.get(), "x");
    co_await events_dispatched(rt);
    // On a ring of several threads the one that requested it completes it, which may be a moment later.
    const bool may_be_late = !kernel_knows_descriptors() && !confined();
    IoResult result;
    do result = co_await timeout(rt, -1h, stream.read(byte));
    while (may_be_late && result == IoResult{-ETIME});
    EXPECT_EQ(result, IoResult{1});
  }());
}

BOTH_FORMS_RULE(TMR_04, others_run_first) {
  if (workers() > 1) return;  // they run at the same time
  constexpr unsigned sleeps = 10'000;
  use_virtual_time();
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    std::atomic<unsigned> polls{0};
    std::atomic<bool> stop{false};
    auto ready = rt.spawn([](auto& count, auto& over) -> Task<> {
      while (!over) {
        count.fetch_add(1);
        co_await yield();
      }
    }(polls, stop));
    for (unsigned i = 0; i < sleeps; ++i) (void)co_await sleep(rt, 0ns);
    EXPECT_GE(polls, sleeps - 1);
    stop = true;
    co_await ready;
  }());
}

}  // namespace reactorlab::conformance
