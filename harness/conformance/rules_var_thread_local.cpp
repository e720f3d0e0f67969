// VAR-TL: what only thread_local can get wrong.

#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <thread>

#include "core/event.hpp"
#include "harness/conformance/errors.hpp"
#include "harness/conformance/foreign.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/probe_task.hpp"

namespace reactorlab::conformance {
namespace {

using ::testing::HasSubstr;

void expect_same(const RuntimeStats& now, const RuntimeStats& before) {
  EXPECT_EQ(now.registrations, before.registrations);
  EXPECT_EQ(now.waiters, before.waiters);
  EXPECT_EQ(now.pending_timers, before.pending_timers);
  EXPECT_EQ(now.epoll_ctl_calls, before.epoll_ctl_calls);
  EXPECT_EQ(now.live_tasks, before.live_tasks);
}

Task<> set(AutoResetEvent& event) {
  event.set();
  co_return;
}
Task<int> twice(int n) { co_return 2 * n; }

}  // namespace

// --- VAR-TL-01 ----------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(VAR_TL_01, foreign_threads_may_not_register) {
  using namespace std::chrono_literals;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const RuntimeStats before = rt.stats();
  on_another_thread([&] {
    EXPECT_THAT(usage_error_of([&] { return BasicAsyncFd<Rt>::borrow(rt, pair.ours.get()); }), HasSubstr("remedy"));
    EXPECT_THAT(usage_error_of([&] { return BasicTcpListener<Rt>::bind(rt, SocketAddress::loopback(0)); }), HasSubstr("remedy"));
    EXPECT_THAT(usage_error_of([&] { return sleep(rt, 1h); }), HasSubstr("remedy"));
    EXPECT_THAT(usage_error_of([&] {
                  rt.block_on(twice(1));
                  return 0;
                }),
                HasSubstr("thread that made it"));
  });
  expect_same(rt.stats(), before);
}

/// Handles and operations made by the owner, awaited by tasks of runtimes on other threads.
BOTH_FORMS_RULE(VAR_TL_01, foreign_tasks_may_not_wait) {
  using namespace std::chrono_literals;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair(), full = socket_pair();  // a TCP connection may find room again after it was filled
  auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
  fill(full.ours.get());
  auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), full.ours.release());
  auto nap = sleep(rt, 1h);
  const RuntimeStats before = rt.stats();
  const auto waits = [&]() -> Task<> {
    std::array<std::byte, 1> byte{};
    EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{-EXDEV});
    EXPECT_EQ(co_await handle.readable(), IoResult{-EXDEV});
    EXPECT_EQ(co_await handle.read(byte), IoResult{-EXDEV});
    EXPECT_EQ(co_await stream->read(byte), IoResult{-EXDEV});
    const Lease lease = co_await stream->read_lease();
    EXPECT_EQ(lease.result(), IoResult{-EXDEV});
    EXPECT_EQ(co_await stream->write_all(byte), IoResult{-EXDEV});
  };
  on_another_thread([&] { make()->block_on(waits()); });
  const auto naps = [&]() -> Task<> {
    co_await waits();
    EXPECT_EQ(co_await std::move(nap), IoResult{-EXDEV});
  };
  on_another_thread([&] { make_runtime("arc_mutex")->block_on(naps()); });
  expect_same(rt.stats(), before);

  put(pair.peer.get(), "x");
  rt.block_on([&]() -> Task<> { EXPECT_EQ(co_await handle.readable(), IoResult{POLLIN}); }());
}

RULE(VAR_TL_01, wake_spawn_and_cancel_during_the_wait) {
  SyncPoints points;
  IRuntime& rt = runtime();
  ProbeTask woken{rt, {}, [](ProbeTask::Poll& poll) { poll.finish(); }};
  ProbeTask cancelled{rt, {}};
  AutoResetEvent spawned;
  // The owner has looked for work for the last time and goes to wait without limit; each act is all that can end its wait.
  points.at(SyncPoint::poll_before_block, [&] { on_another_thread([&] { woken.waker().wake(); }); }, 1);
  points.at(SyncPoint::poll_before_block, [&] { on_another_thread([&] { cancelled.join().cancel(); }); }, 2);
  points.at(SyncPoint::poll_before_block, [&] { on_another_thread([&] { rt.spawn(set(spawned)).detach(); }); }, 3);
  rt.block_on([&]() -> Task<> {
    co_await woken.join();
    bool thrown = false;
    try {
      co_await cancelled.join();
    } catch (const TaskCancelled&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    co_await spawned.wait();
  }());
  EXPECT_EQ(woken.polls(), 1u);
}

RULE(VAR_TL_01, results_reach_foreign_threads) {
  IRuntime& rt = runtime();
  AutoResetEvent over;
  std::thread foreign{[&] {
    for (int i = 0; i < 1'000; ++i) EXPECT_EQ(rt.spawn(twice(i)).wait(), 2 * i);
    over.set();
  }};
  rt.block_on([&]() -> Task<> { co_await over.wait(); }());
  foreign.join();
}

// --- VAR-TL-03 ----------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(VAR_TL_03, the_second_starts_clean) {
  using namespace std::chrono_literals;
  Pair pair = socket_pair(), tcp = tcp_pair();
  auto first = make();
  auto handle = BasicAsyncFd<Rt>::borrow(dynamic_cast<Rt&>(*first), pair.ours.get());
  auto stream = BasicTcpStream<Rt>::adopt(dynamic_cast<Rt&>(*first).ref(), tcp.ours.release());
  ProbeTask unfinished{*first, {}};
  auto napping = first->spawn([](IRuntime& rt) -> Task<> { (void)co_await sleep(rt, 1h); }(*first));
  first->block_on(twice(1));
  ASSERT_TRUE(unfinished.started());
  const Waker stale = unfinished.waker();
  first.reset();

  auto second = make();
  const RuntimeStats fresh = second->stats();
  for (const auto count : {fresh.registrations, fresh.waiters, fresh.pending_timers, fresh.turns, fresh.live_tasks, fresh.polls,
                           fresh.wakes_local, fresh.wakes_remote, fresh.wakes_suppressed, fresh.kicks}) {
    EXPECT_EQ(count, 0u);
  }
  EXPECT_EQ(fresh.epoll_ctl_calls, 1u) << "its own wake-up descriptor, and nothing else";

  stale.wake();
  unfinished.join().cancel();
  EXPECT_TRUE(unfinished.join().done());
  EXPECT_THROW(unfinished.join().take(), TaskCancelled);
  EXPECT_THROW(napping.take(), TaskCancelled);
  EXPECT_EQ(unfinished.polls(), 0u);
  second->block_on([&]() -> Task<> {
    std::array<std::byte, 1> byte{};
    EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{-ESHUTDOWN});
    EXPECT_EQ(co_await handle.readable(), IoResult{-ESHUTDOWN});
    EXPECT_EQ(co_await handle.writable(), IoResult{POLLOUT});  // needs no reactor
    EXPECT_EQ(co_await stream->read(byte), IoResult{-ESHUTDOWN});
    put(pair.peer.get(), "x");
    EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{-ESHUTDOWN});
  }());
  handle.close();
  stream->close();
  const RuntimeStats after = second->stats();
  EXPECT_EQ(after.registrations, 0u);
  EXPECT_EQ(after.epoll_ctl_calls, 1u);
  EXPECT_EQ(after.polls, 1u) << "the task that used the old handles, and nobody else";
}

RULE(VAR_TL_03, one_after_another) {
  for (int round = 0; round < 100; ++round) {
    auto rt = make();
    Pair pair = socket_pair();
    put(pair.peer.get(), "x");
    rt->block_on([&]() -> Task<> {
      auto handle = AsyncFd::borrow(*rt, pair.ours.get());
      EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
    }());
  }
}

RULE(VAR_TL_03, no_second_while_the_first_lives) {
  IRuntime& first = runtime();
  Pair pair = socket_pair();
  auto handle = AsyncFd::borrow(first, pair.ours.get());
  const RuntimeStats before = first.stats();
  EXPECT_THAT(usage_error_of([&] { return make(); }), HasSubstr("remedy"));
  first.block_on([&]() -> Task<> {
    EXPECT_THAT(usage_error_of([&] { return make(); }), HasSubstr("remedy"));
    co_return;
  }());
  expect_same(first.stats(), before);
  put(pair.peer.get(), "x");
  first.block_on([&]() -> Task<> { EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0}); }());
}

}  // namespace reactorlab::conformance
