#include "core/join.hpp"

#include <stdexcept>
#include <thread>
#include <vector>

#include "core/reactorlab.hpp"
#include "core/runtime_test.hpp"

namespace reactorlab {
namespace {

using namespace std::chrono_literals;
using JoinTest = RuntimeTest;
REACTORLAB_ON_EVERY_RUNTIME(JoinTest);

Task<int> number(int value) { co_return value; }
Task<int> number_after(AutoResetEvent& event, int value) {
  co_await event.wait();
  co_return value;
}
Task<Witness> witness_after(AutoResetEvent& event, Witness witness) {
  co_await event.wait();
  co_return std::move(witness);
}

/// True if joining says "cancelled".
template <class T>
Task<bool> is_cancelled(JoinHandle<T>& handle) {
  bool cancelled = false;
  try {
    (void)co_await handle;
  } catch (const TaskCancelled&) {
    cancelled = true;
  }
  co_return cancelled;
}

TEST_P(JoinTest, EarlyAndLateJoinsGiveTheValue) {
  AutoResetEvent event;
  run([&]() -> Task<> {
    auto early = runtime().spawn(number_after(event, 1));
    auto late = runtime().spawn(number(2));
    co_await until([&] { return late.done(); });
    const int second = co_await late;
    const auto release = [&]() -> Task<> {
      co_await yield();
      event.set();
    };
    runtime().spawn(release()).detach();
    const int first = co_await early;
    EXPECT_EQ(first, 1);
    EXPECT_EQ(second, 2);
    EXPECT_FALSE(early.valid());
  });
}

TEST_P(JoinTest, ADetachedTaskGoesOnAndItsResultIsDestroyedOnce) {
  std::atomic<int> ends{0};
  AutoResetEvent event, ended;
  run([&]() -> Task<> {
    runtime().spawn(witness_after(event, Witness{ends, &ended})).detach();
    co_await yield();
    EXPECT_EQ(ends, 0);
    event.set();
    co_await ended.wait();
  });
  end_runtime();
  EXPECT_EQ(ends, 1);
}

TEST_P(JoinTest, AResultThatNobodyTakesIsDestroyedWithItsHandle) {
  std::atomic<int> ends{0};
  AutoResetEvent event;
  event.set();
  run([&]() -> Task<> {
    auto handle = runtime().spawn(witness_after(event, Witness{ends}));
    co_await until([&] { return handle.done(); });
    EXPECT_EQ(ends, 0);
    handle.detach();
    EXPECT_EQ(ends, 1);
  });
}

TEST_P(JoinTest, CancelledBeforeItsFirstRunATaskOnlyDestroysItsArguments) {
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> ends{0};
    std::atomic<bool> ran{false};
    const auto body = [&](Witness) -> Task<> {
      ran = true;
      co_return;
    };
    run([&]() -> Task<> {
      auto handle = runtime().spawn(body(Witness{ends}));
      handle.cancel();
      const bool cancelled = co_await is_cancelled(handle);
      EXPECT_EQ(ends, 1);
      EXPECT_NE(cancelled, ran.load());
      if (one_thread()) {
        EXPECT_TRUE(cancelled);
      }
    });
  }
}

TEST_P(JoinTest, CancelEndsEveryKindOfWait) {
  std::atomic<int> ends{0}, started{0};
  Channel<int> channel{1};
  AutoResetEvent event;
  auto listener = TcpListener::bind(runtime(), SocketAddress::loopback(0));
  const auto in_event = [&](Witness) -> Task<> {
    ++started;
    co_await event.wait();
  };
  const auto in_channel = [&](Witness) -> Task<> {
    ++started;
    (void)co_await channel.receive();
  };
  const auto in_sleep = [&](Witness) -> Task<> {
    ++started;
    (void)co_await sleep(runtime(), 1h);
  };
  const auto in_accept = [&](Witness) -> Task<> {
    ++started;
    (void)co_await listener.accept();
  };
  const auto in_timeout = [&](Witness) -> Task<> {
    ++started;
    (void)co_await timeout(runtime(), 1h, listener.accept());
  };
  const auto in_join = [&](Witness) -> Task<> {
    ++started;
    co_await runtime().spawn(never(Witness{ends}));
  };
  run([&]() -> Task<> {
    std::vector<JoinHandle<void>> handles;
    handles.push_back(runtime().spawn(in_event(Witness{ends})));
    handles.push_back(runtime().spawn(in_channel(Witness{ends})));
    handles.push_back(runtime().spawn(in_sleep(Witness{ends})));
    handles.push_back(runtime().spawn(in_accept(Witness{ends})));
    handles.push_back(runtime().spawn(in_timeout(Witness{ends})));
    handles.push_back(runtime().spawn(in_join(Witness{ends})));
    const int all = static_cast<int>(handles.size());
    co_await until([&] { return started == all; });
    for (auto& handle : handles) {
      handle.cancel();
      handle.cancel();
    }
    for (auto& handle : handles) {
      const bool cancelled = co_await is_cancelled(handle);
      EXPECT_TRUE(cancelled);
    }
    EXPECT_EQ(ends, all);  // the task that one of them joined is its own: it goes on
  });
  const RuntimeStats stats = runtime().stats();
  EXPECT_EQ(stats.waiters, 0u);
  EXPECT_EQ(stats.pending_timers, 0u);
  listener.close();
  end_runtime();
  EXPECT_EQ(ends, 7);
}

TEST_P(JoinTest, CancelAfterCompletionIsHarmless) {
  run([&]() -> Task<> {
    auto handle = runtime().spawn(number(3));
    co_await until([&] { return handle.done(); });
    handle.cancel();
    const int value = co_await handle;
    EXPECT_EQ(value, 3);
  });
}

TEST_P(JoinTest, ARaceOfCancelAndCompletionHasOneOutcome) {
  for (int round = 0; round < 500; ++round) {
    std::atomic<int> ends{0};
    const auto body = [&](Witness) -> Task<int> {
      for (int i = 0; i < 3; ++i) co_await yield();
      co_return 1;
    };
    run([&]() -> Task<> {
      auto handle = runtime().spawn(body(Witness{ends}));
      for (int i = 0; i < round % 6; ++i) co_await yield();
      handle.cancel();
      int value = 0;
      bool cancelled = false;
      try {
        value = co_await handle;
      } catch (const TaskCancelled&) {
        cancelled = true;
      }
      EXPECT_NE(cancelled, value == 1);
      EXPECT_EQ(ends, 1);
    });
  }
}

TEST_P(JoinTest, AForeignThreadWaitsForValueExceptionAndCancel) {
  AutoResetEvent event, waited;
  const auto failing = [&]() -> Task<> {
    co_await yield();
    throw std::runtime_error{"expected"};
  };
  run([&]() -> Task<> {
    auto value = runtime().spawn(number_after(event, 5));
    auto failure = runtime().spawn(failing());
    std::atomic<int> ends{0};
    auto cancelled = runtime().spawn(never(Witness{ends}));
    std::thread waiter{[&] {
      cancelled.cancel();
      EXPECT_THROW(cancelled.wait(), TaskCancelled);
      EXPECT_EQ(ends, 1);
      EXPECT_THROW(failure.wait(), std::runtime_error);
      event.set();
      EXPECT_EQ(value.wait(), 5);
      waited.set();
    }};
    co_await waited.wait();
    waiter.join();
  });
}

TEST_P(JoinTest, AForeignThreadDetachesAndSpawns) {
  constexpr int tasks = 500;
  std::atomic<int> ends{0};
  AutoResetEvent ended, spawned;
  std::thread spawner;
  run([&]() -> Task<> {
    spawner = std::thread{[&] {
      for (int i = 0; i < tasks; ++i) {
        const auto empty = [](Witness) -> Task<> { co_return; };
        auto handle = runtime().spawn(empty(Witness{ends, &ended}));
        if (i % 3 == 0) handle.cancel();
        if (i % 3 == 1) handle.wait();
      }
      spawned.set();
    }};
    while (ends < tasks) co_await ended.wait();
    co_await spawned.wait();  // it may still have been waiting for the last of them
  });
  spawner.join();
  end_runtime();
  EXPECT_EQ(ends, tasks);
}

TEST_P(JoinTest, ATaskThatBlocksItsWorkerLeavesTheOthersToTheDriver) {
  if (one_thread()) return;  // there is nobody else
  constexpr int most = 100;  // tasks: more than one attempt, since an offer may just miss a worker that goes to wait
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> ran{0};
    const auto child = [&]() -> Task<> {
      ++ran;
      co_return;
    };
    std::size_t spawned = 0;
    run([&]() -> Task<> {
      std::vector<JoinHandle<void>> children;
      children.push_back(runtime().spawn(child()));
      while (ran == 0) {
        if (children.size() < most) children.push_back(runtime().spawn(child()));
        std::this_thread::yield();  // the worker, not the task
      }
      spawned = children.size();
      for (auto& handle : children) co_await handle;
    });
    EXPECT_EQ(static_cast<std::size_t>(ran), spawned);
  }
}

TEST_P(JoinTest, WaitingOnItsOwnThreadIsAnErrorAndSoIsANestedBlockOn) {
  AutoResetEvent event;
  run([&]() -> Task<> {
    auto handle = runtime().spawn(number_after(event, 1));
    EXPECT_THROW(handle.wait(), UsageError);
    EXPECT_THROW(runtime().block_on(number(1)), UsageError);
    event.set();
    const int value = co_await handle;
    EXPECT_EQ(value, 1);
  });
}

TEST_P(JoinTest, ACancelFromAForeignThreadWakesAParkedRuntime) {
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> ends{0};
    run([&]() -> Task<> {
      auto handle = runtime().spawn(never(Witness{ends}));
      std::thread canceller{[&] { handle.cancel(); }};
      const bool cancelled = co_await is_cancelled(handle);
      canceller.join();
      EXPECT_TRUE(cancelled);
      EXPECT_EQ(ends, 1);
    });
  }
}

TEST_P(JoinTest, HandlesOutliveTheRuntime) {
  std::atomic<int> ends{0};
  auto finished = runtime().spawn(number(9));
  auto unfinished = runtime().spawn(never(Witness{ends}));
  auto dropped = runtime().spawn(never(Witness{ends}));
  run([&]() -> Task<> { co_await until([&] { return finished.done(); }); });
  end_runtime();
  EXPECT_EQ(ends, 2);
  EXPECT_TRUE(unfinished.done());
  unfinished.cancel();
  EXPECT_EQ(finished.wait(), 9);
  EXPECT_THROW(unfinished.wait(), TaskCancelled);
  dropped.detach();
}

TEST_P(JoinTest, AfterShutdownNewTasksAreDestroyedUnrun) {
  std::atomic<int> ends{0};
  bool ran = false;
  const auto body = [&](Witness) -> Task<> {
    ran = true;
    co_return;
  };
  runtime().shutdown(Duration::zero());
  {
    auto handle = runtime().spawn(body(Witness{ends}));
    if (confined()) end_runtime();  // a confined runtime takes it in when it is driven for the last time
    EXPECT_TRUE(handle.done());
    EXPECT_THROW(handle.wait(), TaskCancelled);
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(ends, 1);
}

TEST_P(JoinTest, OfATaskOfAnotherRuntimeWorksUnlessThatIsConfined) {
  const auto shared = make_runtime("arc_mutex", {.workers = 1});
  AutoResetEvent event;
  run([&]() -> Task<> {
    auto other = shared->spawn(number_after(event, 6));
    event.set();
    const int value = co_await other;
    EXPECT_EQ(value, 6);
    auto mine = runtime().spawn(number_after(event, 7));
    const auto join_elsewhere = [&]() -> Task<int> {
      const int result = co_await mine;
      co_return result;
    };
    auto elsewhere = shared->spawn(join_elsewhere());
    if (confined()) {
      bool refused = false;
      try {
        (void)co_await elsewhere;
      } catch (const UsageError&) {
        refused = true;
      }
      EXPECT_TRUE(refused);
      event.set();
      (void)co_await mine;
    } else {
      event.set();
      const int result = co_await elsewhere;
      EXPECT_EQ(result, 7);
    }
  });
}

}  // namespace
}  // namespace reactorlab
