#include "core/event.hpp"

#include <thread>
#include <vector>

#include "core/combinators.hpp"
#include "core/runtime_test.hpp"

namespace reactorlab {
namespace {

using EventTest = RuntimeTest;
REACTORLAB_ON_EVERY_RUNTIME(EventTest);

Task<> wait_for(AutoResetEvent& event) { co_await event.wait(); }

Task<> count_waits(AutoResetEvent& event, int times, AutoResetEvent& answer) {
  for (int i = 0; i < times; ++i) {
    co_await event.wait();
    answer.set();
  }
}

TEST(EventWord, SetsBeforeAWaitAddUpToOne) {
  AutoResetEvent event;
  EXPECT_FALSE(event.try_wait());
  event.set();
  event.set();
  EXPECT_TRUE(event.try_wait());
  EXPECT_FALSE(event.try_wait());
}

TEST_P(EventTest, ASetThatCameFirstLetsTheWaitThrough) {
  AutoResetEvent event;
  event.set();
  run([&]() -> Task<> { co_await event.wait(); });
  EXPECT_FALSE(event.try_wait());
}

TEST_P(EventTest, EverySetLetsOneWaitThrough) {
  constexpr int rounds = 5'000;
  AutoResetEvent there, back;
  int answers = 0;
  run([&]() -> Task<> {
    JoinHandle<void> other = runtime().spawn(count_waits(there, rounds, back));
    for (int i = 0; i < rounds; ++i) {
      there.set();
      co_await back.wait();
      ++answers;
    }
    co_await other;
  });
  EXPECT_EQ(answers, rounds);
  EXPECT_FALSE(there.try_wait());
  EXPECT_FALSE(back.try_wait());
}

TEST_P(EventTest, AForeignThreadLetsItThroughAndPublishesWhatItWrote) {
  constexpr int rounds = 2'000;
  AutoResetEvent there;
  std::atomic<int> seen{0};
  int written = 0;  // by the foreign thread, before each set()
  std::thread setter{[&] {
    for (int i = 1; i <= rounds; ++i) {
      written = i;
      there.set();
      seen.wait(i - 1);
    }
  }};
  run([&]() -> Task<> {
    for (int i = 1; i <= rounds; ++i) {
      co_await there.wait();
      EXPECT_EQ(written, i);
      seen.store(i);
      seen.notify_one();
    }
  });
  setter.join();
}

TEST_P(EventTest, ASecondWaiterIsAnErrorAndADestroyedWaitTakesItsWakerBack) {
  AutoResetEvent event;
  bool refused = false;
  run([&]() -> Task<> {
    std::vector<Task<>> waiters;
    waiters.push_back(wait_for(event));
    waiters.push_back(wait_for(event));
    try {
      (void)co_await when_any(std::move(waiters));  // the second one ends first; the first is destroyed while parked
    } catch (const UsageError&) {
      refused = true;
    }
  });
  EXPECT_TRUE(refused);
  event.set();
  EXPECT_TRUE(event.try_wait());  // nobody's waker was left to take it
}

TEST_P(EventTest, AWaitThatIsDestroyedAfterItWasLetThroughPassesThatOn) {
  for (int round = 0; round < 200; ++round) {
    AutoResetEvent event;
    std::atomic<bool> started{false};
    bool let_through = false, cancelled = false;
    const auto waiter = [&]() -> Task<> {
      started = true;
      co_await event.wait();
      let_through = true;
    };
    run([&]() -> Task<> {
      JoinHandle<void> handle = runtime().spawn(waiter());
      co_await until([&] { return started.load(); });
      event.set();
      handle.cancel();
      try {
        co_await handle;
      } catch (const TaskCancelled&) {
        cancelled = true;
      }
    });
    EXPECT_NE(let_through, event.try_wait());  // consumed by exactly one of the two
    if (one_thread()) {
      EXPECT_TRUE(cancelled);
    }
  }
}

TEST_P(EventTest, WaitsThatNeverParkSpendTheBudget) {
  if (!one_thread()) return;  // with two workers the other task runs anyway
  constexpr int waits = 1'000;
  std::atomic<bool> done{false};
  int others_turns = 0;
  const auto other = [&]() -> Task<> {
    for (; !done; ++others_turns) co_await yield();
  };
  run([&]() -> Task<> {
    JoinHandle<void> handle = runtime().spawn(other());
    AutoResetEvent event;
    for (int i = 0; i < waits; ++i) {
      event.set();
      co_await event.wait();
    }
    done = true;
    co_await handle;
  });
  EXPECT_GE(others_turns, waits / leaf_budget - 1);
}

}  // namespace
}  // namespace reactorlab
