#include "core/combinators.hpp"

#include <stdexcept>
#include <vector>

#include "core/channel.hpp"
#include "core/runtime_test.hpp"

namespace reactorlab {
namespace {

using namespace std::chrono_literals;
using CombinatorsTest = RuntimeTest;
REACTORLAB_ON_EVERY_RUNTIME(CombinatorsTest);

template <class T>
Task<T> after(int yields, T value) {
  for (int i = 0; i < yields; ++i) co_await yield();
  co_return std::move(value);
}
Task<> nothing_after(int yields) {
  for (int i = 0; i < yields; ++i) co_await yield();
}
Task<int> failing_after(int yields) {
  for (int i = 0; i < yields; ++i) co_await yield();
  throw std::runtime_error{"expected"};
}
Task<int> never_a_number(Witness witness) {
  co_await never(std::move(witness));
  co_return 0;
}

TEST_P(CombinatorsTest, AllOfDifferentTypesGiveATuple) {
  const auto [number, text, none, unique] = run([&]() -> Task<std::tuple<int, std::string, std::monostate, std::unique_ptr<int>>> {
    auto all = co_await when_all(after(3, 1), after(1, std::string{"two"}), nothing_after(2), after(0, std::make_unique<int>(4)));
    co_return std::move(all);
  });
  EXPECT_EQ(number, 1);
  EXPECT_EQ(text, "two");
  EXPECT_EQ(*unique, 4);
  (void)none;
}

TEST_P(CombinatorsTest, AllOfOneTypeKeepTheirOrder) {
  const std::vector<int> values = run([&]() -> Task<std::vector<int>> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 200; ++i) tasks.push_back(after((i * 7) % 11, i));
    auto all = co_await when_all(std::move(tasks));
    co_return std::move(all);
  });
  ASSERT_EQ(values.size(), 200u);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(values[static_cast<std::size_t>(i)], i);
}

TEST_P(CombinatorsTest, AllOfNothingIsThereAtOnce) {
  run([&]() -> Task<> {
    const auto none = co_await when_all(std::vector<Task<>>{});
    EXPECT_TRUE(none.empty());
    const std::tuple<> empty = co_await when_all();
    (void)empty;
  });
}

TEST_P(CombinatorsTest, TheFirstExceptionEndsTheOthersBeforeItIsThrown) {
  std::atomic<int> ends{0};
  int ends_when_thrown = -1;
  run([&]() -> Task<> {
    std::vector<Task<int>> tasks;
    tasks.push_back(never_a_number(Witness{ends}));
    tasks.push_back(failing_after(3));
    tasks.push_back(never_a_number(Witness{ends}));
    try {
      (void)co_await when_all(std::move(tasks));
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "expected");
      ends_when_thrown = ends;
    }
  });
  EXPECT_EQ(ends_when_thrown, 2);
}

TEST_P(CombinatorsTest, TheFirstExceptionOfATupleIsThrownToo) {
  std::atomic<int> ends{0};
  const auto both = [&]() -> Task<> { (void)co_await when_all(never(Witness{ends}), failing_after(0)); };
  EXPECT_THROW(run(both), std::runtime_error);
  EXPECT_EQ(ends, 1);
}

TEST_P(CombinatorsTest, AnyGivesTheFirstAndEndsTheOthers) {
  std::atomic<int> ends{0};
  run([&]() -> Task<> {
    std::vector<Task<int>> tasks;
    tasks.push_back(never_a_number(Witness{ends}));
    tasks.push_back(after(5, 42));
    tasks.push_back(never_a_number(Witness{ends}));
    const auto first = co_await when_any(std::move(tasks));
    EXPECT_EQ(first.index, 1u);
    EXPECT_EQ(first.value, 42);
    EXPECT_EQ(ends, 2);
  });
}

TEST_P(CombinatorsTest, AnyThrowsIfTheFirstToEndFailed) {
  std::atomic<int> ends{0};
  const auto any = [&]() -> Task<> {
    std::vector<Task<int>> tasks;
    tasks.push_back(never_a_number(Witness{ends}));
    tasks.push_back(failing_after(1));
    (void)co_await when_any(std::move(tasks));
  };
  EXPECT_THROW(run(any), std::runtime_error);
  EXPECT_EQ(ends, 1);
}

TEST_P(CombinatorsTest, AnyOfNothingIsAnError) {
  const auto any = [&]() -> Task<> { (void)co_await when_any(std::vector<Task<>>{}); };
  EXPECT_THROW(run(any), UsageError);
}

TEST_P(CombinatorsTest, AValueInTimeIsGivenAndLeavesNoTimer) {
  run([&]() -> Task<> {
    const std::optional<int> value = co_await timeout(runtime(), 1h, after(3, 42));
    EXPECT_EQ(value, 42);
    const bool done = co_await timeout(runtime(), 1h, nothing_after(3));
    EXPECT_TRUE(done);
  });
  EXPECT_EQ(runtime().stats().pending_timers, 0u);
}

TEST_P(CombinatorsTest, AfterTheLimitTheTaskIsGone) {
  std::atomic<int> ends{0};
  run([&]() -> Task<> {
    const std::optional<int> value = co_await timeout(runtime(), 1ms, never_a_number(Witness{ends}));
    EXPECT_EQ(value, std::nullopt);
    EXPECT_EQ(ends, 1);
    const bool done = co_await timeout(runtime(), Duration::zero(), never(Witness{ends}));
    EXPECT_FALSE(done);
    EXPECT_EQ(ends, 2);
  });
  EXPECT_EQ(runtime().stats().pending_timers, 0u);
}

TEST_P(CombinatorsTest, ATaskThatFailsInTimeThrows) {
  const auto failing = [&]() -> Task<> { (void)co_await timeout(runtime(), 1h, failing_after(2)); };
  EXPECT_THROW(run(failing), std::runtime_error);
}

TEST_P(CombinatorsTest, TheInnerOfTwoLimitsCountsAlone) {
  std::atomic<int> ends{0};
  run([&]() -> Task<> {
    const auto inner = co_await timeout(runtime(), 1h, timeout(runtime(), 1ms, never_a_number(Witness{ends})));
    EXPECT_TRUE(inner.has_value());
    EXPECT_FALSE(inner->has_value());
  });
  EXPECT_EQ(ends, 1);
}

TEST_P(CombinatorsTest, ADestroyedParentCancelsItsChildren) {
  std::atomic<int> ends{0}, started{0};
  AutoResetEvent ended;
  const auto child = [&](Witness witness) -> Task<int> {
    ++started;
    co_await never(std::move(witness));
    co_return 0;
  };
  const auto all = [&]() -> Task<> { (void)co_await when_all(child(Witness{ends, &ended}), child(Witness{ends, &ended})); };
  const auto any = [&]() -> Task<> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 2; ++i) tasks.push_back(child(Witness{ends, &ended}));
    (void)co_await when_any(std::move(tasks));
  };
  const auto limited = [&]() -> Task<> { (void)co_await timeout(runtime(), 1h, child(Witness{ends, &ended})); };
  run([&]() -> Task<> {
    std::vector<JoinHandle<void>> parents;
    parents.push_back(runtime().spawn(all()));
    parents.push_back(runtime().spawn(any()));
    parents.push_back(runtime().spawn(limited()));
    co_await until([&] { return started == 5; });
    for (auto& parent : parents) parent.cancel();
    while (ends < 5) co_await ended.wait();
  });
  EXPECT_EQ(runtime().stats().pending_timers, 0u);
  end_runtime();  // the last of them may still be about to tell its end
}

TEST_P(CombinatorsTest, ARaceBetweenTheEndAndTheLimitHasOneOutcome) {
  for (int round = 0; round < 100; ++round) {
    run([&]() -> Task<> {
      std::atomic<int> ends{0};
      const auto child = [&](Witness) -> Task<int> {
        (void)co_await sleep(runtime(), 1ms);
        co_return 1;
      };
      const std::optional<int> value = co_await timeout(runtime(), 1ms, child(Witness{ends}));
      EXPECT_EQ(value.value_or(1), 1);
      EXPECT_EQ(ends, 1);
    });
  }
}

}  // namespace
}  // namespace reactorlab
