// SPU: spurious wakes.

#include <thread>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/passage.hpp"
#include "harness/conformance/probe_task.hpp"
#include "harness/conformance/thief.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

namespace {

template <class Rt>
Task<IoResult> read_byte(BasicTcpStream<Rt>& stream) {
  std::byte byte;
  co_return co_await stream.read({&byte, 1});
}

}  // namespace

// --- SPU-01 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(SPU_01, scripted) {
  Script script{sys::Op::recv};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    Passage blocked{points, SyncPoint::io_after_would_block};
    blocked.watch();
    auto reader = rt.spawn(read_byte<Rt>(stream));
    co_await blocked.seen();
    for (int i = 0; i < 100; ++i) {
      blocked.watch();
      script.inject_edge(fd, EPOLLIN);
      co_await blocked.seen();
    }
    EXPECT_FALSE(reader.done());
    put(pair.peer.get(), "x");
    EXPECT_EQ(co_await reader, IoResult{1});
  }());
  // What a ring receives for it needs no call to see that nothing has come.
  EXPECT_EQ(script.count(sys::Op::recv, fd), completes() ? 2u : 102u);
}

BOTH_FORMS_RULE(SPU_01, real) {
  NEEDS_READINESS();
  Script script{sys::Op::recv, sys::Op::epoll_wait};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  Thief thief{script, points, [&] { EXPECT_EQ(drain(fd), 1u); }};
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    Passage blocked{points, SyncPoint::io_after_would_block};
    blocked.watch();
    auto reader = rt.spawn(read_byte<Rt>(stream));
    co_await blocked.seen();
    for (int i = 0; i < 100; ++i) {
      blocked.watch();
      thief.lurk(fd);
      put(pair.peer.get(), "x");
      co_await blocked.seen();
    }
    EXPECT_FALSE(reader.done());
    put(pair.peer.get(), "x");
    EXPECT_EQ(co_await reader, IoResult{1});
  }());
  EXPECT_EQ(script.count(sys::Op::recv, fd), 102u);
}

// --- SPU-02 -------------------------------------------------------------------------------------------------------------------

namespace {

template <class Rt>
Task<IoResult> read_byte_in_time(Rt& rt, BasicTcpStream<Rt>& stream) {
  std::byte byte;
  co_return co_await timeout(rt, std::chrono::hours{1}, stream.read({&byte, 1}));
}

/// Wakes a parked task again and again, from its own runtime's thread and from a foreign one. Each wake is polled before the next
/// where one worker polls everything.
template <class Rt>
Task<> pester(Rt& rt, Waker waker, unsigned own, unsigned foreign) {
  const RuntimeStats before = rt.stats();
  for (unsigned i = 0; i < own; ++i) {
    waker.wake();
    co_await yield();
  }
  std::atomic<bool> over{false};
  std::thread stranger{[&] {
    for (unsigned i = 0; i < foreign; ++i) waker.wake();
    over = true;
  }};
  while (!over) co_await yield();
  stranger.join();
  const RuntimeStats after = rt.stats();
  EXPECT_EQ(after.waiters, before.waiters);
  EXPECT_EQ(after.pending_timers, before.pending_timers);
  EXPECT_EQ(after.registrations, before.registrations);
  EXPECT_EQ(after.epoll_ctl_calls, before.epoll_ctl_calls);
  const unsigned certain_polls = rt.info().workers == 1 ? 2 * own : own;
  EXPECT_GE(after.polls - before.polls + polls_per_turn, certain_polls) << "not polled after each wake";
}

}  // namespace

BOTH_FORMS_RULE(SPU_02, real) {
  Script script{sys::Op::recv};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    Passage parked{points, SyncPoint::io_parked};
    parked.watch();
    auto reader = rt.spawn(read_byte_in_time(rt, stream));
    co_await parked.seen();
    while (rt.stats().pending_timers == 0) co_await yield();
    co_await pester(rt, Waker{*reader.header()}, 100'000, 1'000);
    EXPECT_FALSE(reader.done());
    EXPECT_EQ(script.count(sys::Op::recv, fd), 1u);
    put(pair.peer.get(), "x");
    EXPECT_EQ(co_await reader, IoResult{1});
    EXPECT_EQ(rt.stats().pending_timers, 0u);
  }());
}

/// There is a byte all the time, but the script keeps it back: an attempt that no edge asked for would show.
BOTH_FORMS_RULE(SPU_02, scripted) {
  use_virtual_time();
  Script script{sys::Op::recv};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  put(pair.peer.get(), "x");
  script.fail(sys::Op::recv, fd, EAGAIN, 1, Script::forever);
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    co_await events_dispatched(rt);
    Passage parked{points, SyncPoint::io_parked};
    parked.watch();
    auto reader = rt.spawn(read_byte_in_time(rt, stream));
    co_await parked.seen();
    while (rt.stats().pending_timers == 0) co_await yield();
    const std::size_t attempts = script.count(sys::Op::recv, fd);
    EXPECT_EQ(attempts, completes() ? 1u : 2u);  // at first, and for the edge that came before it
    co_await pester(rt, Waker{*reader.header()}, 1'000, 1'000);
    EXPECT_FALSE(reader.done());
    EXPECT_EQ(script.count(sys::Op::recv, fd), attempts);
    script.let_through();
    script.inject_edge(fd, EPOLLIN);
    EXPECT_EQ(co_await reader, IoResult{1});
  }());
}

// --- SPU-03 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(SPU_03, scripted) {
  VirtualClock& time = use_virtual_time();
  std::vector<long> limits;  // of the waits with one: the driver's
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call& call) -> std::optional<long> {
    if (call.extra <= 0) return std::nullopt;
    limits.push_back(call.extra);
    if (limits.size() <= 50) {
      time.advance(1ms);
      return 0;
    }
    time.advance(200ms);
    return std::nullopt;
  });
  Rt& rt = runtime<Rt>();
  const TimePoint deadline = time.now() + 200ms;
  const TimePoint woken = rt.block_on([&]() -> Task<TimePoint> {
    (void)co_await sleep_until(rt, deadline);
    co_return clock::now();
  }());
  end_runtime();
  EXPECT_GE(woken, deadline);
  ASSERT_GE(limits.size(), 51u);
  for (long i = 0; i <= 50; ++i) EXPECT_EQ(limits[static_cast<std::size_t>(i)], limits[0] - i);
}

/// The wait is ended by a real kick: somebody wakes a task that has nothing to do.
BOTH_FORMS_RULE(SPU_03, real) {
  VirtualClock& time = use_virtual_time();
  Rt& rt = runtime<Rt>();
  const TimePoint deadline = time.now() + 200ms;
  std::atomic<bool> over{false};
  rt.block_on([&]() -> Task<> {
    auto sleeping = [&]() -> Task<TimePoint> {
      (void)co_await sleep_until(rt, deadline);
      co_return clock::now();
    };
    auto sleeper = rt.spawn(sleeping());
    ProbeTask idler{rt, {}, [&](ProbeTask::Poll& poll) {
                      if (over) poll.finish();
                    }};
    while (!idler.started() || rt.stats().pending_timers == 0) co_await yield();
    std::thread stranger{[&] {
      for (unsigned i = 1; i <= 50; ++i) {
        time.advance(1ms);
        idler.waker().wake();
        while (idler.polls() < i) std::this_thread::yield();
      }
      EXPECT_FALSE(sleeper.done());
      over = true;
      idler.waker().wake();
    }};
    co_await idler.join();
    stranger.join();
    EXPECT_EQ(rt.stats().pending_timers, 1u);
    time.advance(200ms);
    EXPECT_GE(co_await sleeper, deadline);
  }());
}

// --- SPU-05 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(SPU_05, scripted) {
  VirtualClock& time = use_virtual_time();
  Rt& rt = runtime<Rt>();
  const TimePoint deadline = time.now() + 100ms;
  rt.block_on([&]() -> Task<> {
    auto sleeping = [&]() -> Task<TimePoint> {
      EXPECT_EQ(co_await sleep_until(rt, deadline), IoResult{0});
      co_return clock::now();
    };
    auto sleeper = rt.spawn(sleeping());
    while (rt.stats().pending_timers == 0) co_await yield();
    for (int i = 1; i < 100 && !sleeper.done(); ++i) {
      time.advance(1ms);
      Waker{*sleeper.header()}.wake();
      co_await yield();
      EXPECT_EQ(rt.stats().pending_timers, 1u) << "after " << i << " ms";
    }
    EXPECT_FALSE(sleeper.done());
    time.advance(5ms);
    EXPECT_GE(co_await sleeper, deadline);
    EXPECT_EQ(rt.stats().pending_timers, 0u);
  }());
}

BOTH_FORMS_RULE(SPU_05, real) {
  Rt& rt = runtime<Rt>();
  const TimePoint deadline = clock::now() + 20ms;
  rt.block_on([&]() -> Task<> {
    auto sleeping = [&]() -> Task<TimePoint> {
      (void)co_await sleep_until(rt, deadline);
      co_return clock::now();
    };
    auto sleeper = rt.spawn(sleeping());
    while (!sleeper.done()) {
      Waker{*sleeper.header()}.wake();
      co_await yield();
      EXPECT_LE(rt.stats().pending_timers, 1u);
    }
    EXPECT_GE(co_await sleeper, deadline);
  }());
}

}  // namespace reactorlab::conformance
