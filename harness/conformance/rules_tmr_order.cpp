// TMR: timers. Which of them fire, and in what order.

#include <algorithm>
#include <atomic>
#include <random>
#include <utility>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/timers.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

namespace {

/// The order in which tasks went to sleep, and that in which they ran again. For one worker: it is the only one that writes.
struct Order {
  std::vector<unsigned> armed, woken;
};

template <class Rt>
Task<> recorded(Rt& rt, TimePoint deadline, unsigned number, Order& order) {
  order.armed.push_back(number);
  (void)co_await sleep_until(rt, deadline);
  order.woken.push_back(number);
}

/// Puts a task to sleep until each of the deadlines, lets time jump behind all of them and records who runs when.
template <class Rt>
Order order_of(Rt& rt, VirtualClock& time, const std::vector<TimePoint>& deadlines) {
  Order order;
  rt.block_on([&]() -> Task<> {
    std::vector<JoinHandle<void>> sleepers;
    for (unsigned i = 0; i < deadlines.size(); ++i) sleepers.push_back(rt.spawn(recorded(rt, deadlines[i], i, order)));
    co_await timers_are(rt, deadlines.size());
    time.advance(*std::ranges::max_element(deadlines) + timer_tolerance - time.now());
    for (auto& sleeper : sleepers) co_await sleeper;
  }());
  return order;
}

}  // namespace

// --- TMR-08 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(TMR_08, ten_thousand_in_one_turn) {
  constexpr unsigned count = 10'000;
  VirtualClock& time = use_virtual_time();
  Rt& rt = runtime<Rt>();
  const TimePoint deadline = time.now() + 1s;
  std::atomic<bool> first{true};
  std::atomic<std::uint64_t> left{count};
  const auto sleeping = [&]() -> Task<> {
    (void)co_await sleep_until(rt, deadline);
    if (first.exchange(false)) left = rt.stats().pending_timers;
  };
  rt.block_on([&]() -> Task<> {
    std::vector<JoinHandle<void>> sleepers;
    for (unsigned i = 0; i < count; ++i) sleepers.push_back(rt.spawn(sleeping()));
    co_await timers_are(rt, count);
    time.advance(2s);
    for (auto& sleeper : sleepers) co_await sleeper;
  }());
  EXPECT_EQ(left, 0u) << "not all fired in the turn of the first";
}

BOTH_FORMS_RULE(TMR_08, in_order_of_creation) {
  if (workers() > 1) return;  // several run them
  VirtualClock& time = use_virtual_time();
  Rt& rt = runtime<Rt>();
  const Order order = order_of(rt, time, std::vector<TimePoint>(200, time.now() + 1s));
  EXPECT_EQ(order.woken, order.armed);
}

// --- TMR-09 -------------------------------------------------------------------------------------------------------------------

/// From milliseconds to months, in random order, two or more in the same tick at times: those in order of creation.
BOTH_FORMS_RULE(TMR_09, random_deadlines) {
  if (workers() > 1) return;
  VirtualClock& time = use_virtual_time();
  Rt& rt = runtime<Rt>();
  std::minstd_rand random{9};
  std::vector<TimePoint> deadlines;
  for (unsigned i = 0; i < 200; ++i) {
    const std::int64_t magnitude = std::int64_t{1} << (random() % 33);
    deadlines.push_back(whole_tick(time.now(), timer_tick * (1 + random() % magnitude)));
  }
  const Order order = order_of(rt, time, deadlines);
  std::vector<std::pair<TimePoint, std::size_t>> keys;  // the deadline, then the place in the order of creation
  for (std::size_t place = 0; place < order.armed.size(); ++place) keys.emplace_back(deadlines[order.armed[place]], place);
  std::ranges::sort(keys);
  std::vector<unsigned> expected;
  for (const auto& key : keys) expected.push_back(order.armed[key.second]);
  EXPECT_EQ(order.woken, expected);
}

// --- TMR-10 -------------------------------------------------------------------------------------------------------------------

RULE(TMR_10, each_wakes_once) {
  VirtualClock& time = use_virtual_time();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    TimedProbe due[] = {TimedProbe{rt, time.now() + 10ms}, TimedProbe{rt, time.now() + 20ms}};
    TimedProbe far{rt, time.now() + 1h};
    co_await timers_are(rt, 3);
    time.advance(30ms);
    for (int turn = 0; turn < 10; ++turn) co_await events_dispatched(rt);
    while (due[0].polls() == 0 || due[1].polls() == 0) co_await yield();
    for (TimedProbe& probe : due) EXPECT_EQ(probe.polls(), 1u);
    EXPECT_EQ(far.polls(), 0u);
    EXPECT_EQ(rt.stats().pending_timers, 1u);
    for (TimedProbe& probe : due) co_await probe.end();
    co_await far.end();
  }());
}

BOTH_FORMS_RULE(TMR_10, sleeps) {
  VirtualClock& time = use_virtual_time();
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    auto first = rt.spawn(sleeping_until(rt, time.now() + 10ms));
    auto second = rt.spawn(sleeping_until(rt, time.now() + 20ms));
    auto far = rt.spawn(sleeping_until(rt, time.now() + 1h));
    co_await timers_are(rt, 3);
    time.advance(13ms);
    (void)co_await first;
    EXPECT_EQ(rt.stats().pending_timers, 2u);
    time.advance(13ms);
    (void)co_await second;
    EXPECT_EQ(rt.stats().pending_timers, 1u);
    EXPECT_TRUE(co_await cancelled(far));
    EXPECT_EQ(rt.stats().pending_timers, 0u);
  }());
}

}  // namespace reactorlab::conformance
