#include "core/deadline_timer.hpp"

#include <thread>

#include "core/runtime_test.hpp"
#include "core/time.hpp"

namespace reactorlab {
namespace {

using namespace std::chrono_literals;

class DeadlineTimerTest : public RuntimeTest {
 protected:
  /// Lets others run until that many timers are pending.
  Task<> pending(std::uint64_t count) {
    while (runtime().stats().pending_timers != count) co_await yield();
  }
  static Task<IoResult> waiting(DeadlineTimer& timer) { co_return co_await timer.wait(); }
};

TEST_P(DeadlineTimerTest, IsNeverEarlyAndKeepsItsDeadline) {
  const TimePoint deadline = clock::now() + 3ms;
  DeadlineTimer timer{runtime(), deadline};
  EXPECT_EQ(runtime().block_on(waiting(timer)), IoResult{0});
  EXPECT_GE(clock::now(), deadline);
  EXPECT_EQ(timer.deadline(), deadline);
  EXPECT_EQ(runtime().block_on(waiting(timer)), IoResult{0});  // it has passed
}

TEST_P(DeadlineTimerTest, ResetReachesWhoWaits) {
  DeadlineTimer timer{runtime()};
  run([&]() -> Task<> {
    auto waiter = runtime().spawn(waiting(timer));
    co_await pending(1);
    EXPECT_EQ(timer.reset(clock::now() + 1h), IoResult{0});
    EXPECT_EQ(runtime().stats().pending_timers, 1u);
    const TimePoint deadline = clock::now() + 2ms;
    EXPECT_EQ(timer.reset(deadline), IoResult{0});
    EXPECT_EQ(co_await waiter, IoResult{0});
    EXPECT_GE(clock::now(), deadline);
    EXPECT_EQ(runtime().stats().pending_timers, 0u);
  });
}

TEST_P(DeadlineTimerTest, TheLatestWaiterReplacesTheFormer) {
  DeadlineTimer timer{runtime()};
  run([&]() -> Task<> {
    auto former = runtime().spawn(waiting(timer));
    co_await pending(1);
    auto latter = runtime().spawn(waiting(timer));
    EXPECT_EQ(co_await former, IoResult{-ECANCELED});
    EXPECT_EQ(timer.reset(TimePoint{0}), IoResult{0});
    EXPECT_EQ(co_await latter, IoResult{0});
  });
}

TEST_P(DeadlineTimerTest, ADestroyedWaitLeavesNothing) {
  DeadlineTimer timer{runtime()};
  run([&]() -> Task<> {
    auto waiter = runtime().spawn(waiting(timer));
    co_await pending(1);
    waiter.cancel();
    while (!waiter.done()) co_await yield();
    EXPECT_THROW((void)waiter.take(), TaskCancelled);
    EXPECT_EQ(timer.reset(clock::now()), IoResult{0});
    EXPECT_EQ(runtime().stats().pending_timers, 0u);
  });
}

TEST_P(DeadlineTimerTest, AnotherThreadResetsWhereTimersAllowIt) {
  DeadlineTimer timer{runtime()};
  const bool allowed = runtime().info().capabilities.foreign_registration;
  run([&]() -> Task<> {
    auto waiter = runtime().spawn(waiting(timer));
    co_await pending(1);
    std::thread{[&] { EXPECT_EQ(timer.reset(TimePoint{0}), IoResult{allowed ? 0 : -EXDEV}); }}.join();
    if (!allowed) {
      EXPECT_EQ(timer.reset(TimePoint{0}), IoResult{0});
    }
    EXPECT_EQ(co_await waiter, IoResult{0});
  });
}

TEST_P(DeadlineTimerTest, EndsWithItsRuntime) {
  DeadlineTimer timer{runtime()};
  auto waiter = runtime().spawn(waiting(timer));
  run([&]() -> Task<> { return pending(1); });
  end_runtime();
  EXPECT_TRUE(waiter.done());
  EXPECT_THROW((void)waiter.take(), TaskCancelled);
}

REACTORLAB_ON_EVERY_RUNTIME(DeadlineTimerTest);

}  // namespace
}  // namespace reactorlab
