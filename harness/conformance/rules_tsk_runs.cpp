// TSK: what a run of the runtime is, when it ends, and who may start it.

#include <string>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/tasks.hpp"
#include "harness/conformance/timers.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

namespace {

Task<int> answer() { co_return 42; }

}  // namespace

// --- TSK-02 ---------------------------------------------------------------------------------------------------------------------

RULE(TSK_02, others_are_parked) {
  IRuntime& rt = runtime();
  const auto never = []() -> Task<> { co_await Forever{}; };
  std::vector<JoinHandle<void>> others;
  for (int i = 0; i < 100; ++i) others.push_back(rt.spawn(never()));
  for (int round = 0; round < 10; ++round) EXPECT_EQ(rt.block_on(answer()), 42);
  rt.block_on([&]() -> Task<> {
    for (auto& other : others) {
      EXPECT_FALSE(other.done());
      other.cancel();
      EXPECT_TRUE(co_await ended_cancelled(other));
    }
  }());
}

RULE(TSK_02, others_are_always_ready) {
  std::atomic<bool> over{false};
  std::atomic<unsigned> polls{0};
  IRuntime& rt = runtime();
  const auto spinning = [&]() -> Task<> {
    while (!over) {
      polls.fetch_add(1);
      co_await yield();
    }
  };
  std::vector<JoinHandle<void>> others;
  for (int i = 0; i < 1'000; ++i) others.push_back(rt.spawn(spinning()));
  for (int round = 0; round < 5; ++round) {
    const unsigned at_its_end = rt.block_on([&]() -> Task<unsigned> {
      co_await yield();
      co_return polls.load();
    }());
    if (confined()) {
      EXPECT_EQ(polls, at_its_end) << "tasks went on running when the root was done";
    }
  }
  over = true;
  rt.block_on([&]() -> Task<> {
    for (auto& other : others) co_await other;
  }());
}

// --- TSK-03 ---------------------------------------------------------------------------------------------------------------------

RULE(TSK_03, nothing_runs_by_itself) {
  if (!confined()) return;  // workers run by themselves
  std::atomic<unsigned> steps{0};
  AutoResetEvent gate;
  IRuntime& rt = runtime();
  const auto body = [&]() -> Task<> {
    steps.fetch_add(1);
    co_await gate.wait();
    steps.fetch_add(1);
  };
  auto task = rt.spawn(body());
  std::optional<JoinHandle<void>> foreign;
  AutoResetEvent other_gate;
  const auto other_body = [&]() -> Task<> {
    steps.fetch_add(1);
    co_await other_gate.wait();
  };
  on_another_thread([&] { foreign.emplace(rt.spawn(other_body())); });
  EXPECT_EQ(steps, 0u) << "a spawned task has run although nobody drives";
  rt.block_on([&]() -> Task<> {
    while (steps < 2) co_await yield();
  }());
  gate.set();
  on_another_thread([&] { other_gate.set(); });
  EXPECT_EQ(steps, 2u) << "a woken task has run although nobody drives";
  rt.block_on([&]() -> Task<> {
    co_await task;
    co_await *foreign;
  }());
  EXPECT_EQ(steps, 3u);
}

/// Tasks that were parked when one run ended, in the next one.
RULE(TSK_03, the_next_run_takes_them_on) {
  VirtualClock& time = use_virtual_time();
  IRuntime& rt = runtime();
  for (int round = 0; round < 10; ++round) {
    Pair pair = socket_pair();
    std::atomic<unsigned> ended{0};
    const int ours = pair.ours.get();
    const auto reading = [&]() -> Task<IoResult> {
      auto handle = AsyncFd::borrow(rt, ours);
      const IoResult result = co_await next_edge<Direction::read>(handle);
      ended.fetch_add(1);
      co_return result;
    };
    const auto sleeping = [&]() -> Task<IoResult> {
      const IoResult result = co_await sleep(rt, 10ms);
      ended.fetch_add(1);
      co_return result;
    };
    auto reader = rt.spawn(reading());
    auto sleeper = rt.spawn(sleeping());
    rt.block_on([&]() -> Task<> {
      co_await waiters_are(rt, 1);
      co_await timers_are(rt, 1);
    }());
    put(pair.peer.get(), "x");
    time.advance(10ms + timer_tolerance);
    if (confined()) {
      EXPECT_EQ(ended, 0u) << "a task went on although nobody drives";
    }
    rt.block_on([&]() -> Task<> {
      const IoResult read = co_await reader;
      const IoResult slept = co_await sleeper;
      EXPECT_EQ(read, IoResult{0});
      EXPECT_EQ(slept, IoResult{0});
    }());
    EXPECT_EQ(ended, 2u);
  }
}

// --- TSK-22 ---------------------------------------------------------------------------------------------------------------------

namespace {

/// What the runtime says to a task that calls block_on; nothing if it lets it.
Task<std::string> refusal_of_block_on(IRuntime& rt, std::atomic<unsigned>& ends) {
  const auto nested = [](Witness) -> Task<> { co_return; };
  std::string message;
  try {
    rt.block_on(nested(Witness{ends}));
  } catch (const UsageError& error) {
    message = error.what();
  }
  co_return message;
}

Task<bool> shutdown_is_refused(IRuntime& rt) {
  try {
    rt.shutdown(Duration::zero());
  } catch (const UsageError&) {
    co_return true;
  }
  co_return false;
}

void expect_clear(const std::string& message) {
  EXPECT_NE(message.find("block_on"), std::string::npos) << "doesn't name the operation: " << message;
  EXPECT_NE(message.find("co_await"), std::string::npos) << "doesn't name the remedy: " << message;
}

}  // namespace

RULE(TSK_22, inside_the_root_and_inside_a_task) {
  std::atomic<unsigned> ends{0};
  IRuntime& rt = runtime();
  for (unsigned round = 1; round <= 10; ++round) {
    expect_clear(rt.block_on(refusal_of_block_on(rt, ends)));
    rt.block_on([&]() -> Task<> {
      auto task = rt.spawn(refusal_of_block_on(rt, ends));
      const std::string message = co_await task;
      expect_clear(message);
    }());
    EXPECT_EQ(ends, 2 * round) << "the tasks that were refused are destroyed";
    EXPECT_EQ(rt.block_on(answer()), 42);
  }
  ASSERT_FALSE(HasFailure()) << "a shutdown that is let in as well wouldn't come back";
  EXPECT_TRUE(rt.block_on(shutdown_is_refused(rt)));
  EXPECT_EQ(rt.block_on(answer()), 42);
}

}  // namespace reactorlab::conformance
