// URG: how a wait in the ring ends.

#include <thread>

#include "harness/conformance/foreign.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/tasks.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

namespace {

Task<IoResult> read_one(TcpStream& stream) {
  std::byte byte;
  co_return co_await stream.read({&byte, 1});
}

}  // namespace

// --- URG-12 -------------------------------------------------------------------------------------------------------------------

RULE(URG_12, inside_the_wait) {
  NEEDS_RING();
  constexpr unsigned rounds = 50;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    Pair pair = socket_pair();
    auto stream = stream_over(rt, std::move(pair.ours));
    auto reader = rt.spawn(read_one(stream));  // idle, and in flight
    co_await waiters_are(rt, 1);
    Count asked;
    AutoResetEvent woken;
    std::jthread foreign{[&] {
      for (unsigned round = 1; round <= rounds; ++round) {
        asked.wait_for(round);
        while (!all_others_sleep()) std::this_thread::yield();
        woken.set();
      }
    }};
    for (unsigned round = 0; round < rounds; ++round) {
      asked.add();
      co_await woken.wait();
    }
    put(pair.peer.get(), "x");
    EXPECT_EQ(co_await reader, IoResult{1});
  }());
}

/// Nothing has been taken from the ring yet, not even what arms the wake-up.
RULE(URG_12, before_the_first_turn) {
  NEEDS_RING();
  SyncPoints points;
  AutoResetEvent woken;
  if (confined()) {
    IRuntime& rt = runtime();
    points.at(SyncPoint::poll_before_block, [&] { on_another_thread([&] { woken.set(); }); });
    rt.block_on([&]() -> Task<> { co_await woken.wait(); }());
    return;
  }
  points.hold(SyncPoint::poll_before_block);
  IRuntime& rt = runtime();
  points.wait_until_reached(SyncPoint::poll_before_block);
  auto task = rt.spawn([](AutoResetEvent& event) -> Task<> { co_await event.wait(); }(woken));
  woken.set();
  points.release(SyncPoint::poll_before_block);
  task.wait();
}

// --- URG-15 -------------------------------------------------------------------------------------------------------------------

/// The kernel's word for a limit that is over is no error, and no event.
RULE(URG_15, limits_that_are_over) {
  NEEDS_RING();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    Pair pair = socket_pair();
    auto stream = stream_over(rt, std::move(pair.ours));
    auto reader = rt.spawn(read_one(stream));
    co_await waiters_are(rt, 1);
    for (int round = 0; round < 20; ++round) EXPECT_EQ(co_await sleep(rt, 1ms), IoResult{0});
    EXPECT_FALSE(reader.done());
    put(pair.peer.get(), "x");
    EXPECT_EQ(co_await reader, IoResult{1});
  }());
}

/// Limits that something came before leave nothing behind, neither in the reactor nor in the ring.
RULE(URG_15, limits_that_were_beaten) {
  NEEDS_RING();
  constexpr std::uint64_t rounds = 1'000;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    Pair pair = socket_pair();
    auto stream = stream_over(rt, std::move(pair.ours));
    const RuntimeStats before = rt.stats();
    for (std::uint64_t round = 0; round < rounds; ++round) {
      auto reader = rt.spawn([](IRuntime& its, TcpStream& from) -> Task<IoResult> {
        std::byte byte;
        co_return co_await timeout(its, 1h, from.read({&byte, 1}));
      }(rt, stream));
      co_await waiters_are(rt, 1);
      put(pair.peer.get(), "x");
      EXPECT_EQ(co_await reader, IoResult{1});
    }
    const RuntimeStats after = rt.stats();
    EXPECT_EQ(after.waiters, 0u);
    EXPECT_EQ(after.pending_timers, 0u);
    // A thread that hands its request to a ring where another one waits kicks it besides, now and then.
    EXPECT_LE(after.events - before.events, rounds + after.kicks - before.kicks + rounds / 10)
        << "more events than bytes and kicks";
  }());
}

}  // namespace reactorlab::conformance
