#include "core/task.hpp"

#include <pthread.h>

#include <array>
#include <numeric>
#include <stdexcept>
#include <string>

#include "core/children.hpp"
#include "core/runtime_test.hpp"

namespace reactorlab {
namespace {

using TaskTest = RuntimeTest;
REACTORLAB_ON_EVERY_RUNTIME(TaskTest);

template <class T>
Task<T> give(T value) {
  co_await yield();
  co_return std::move(value);
}
Task<int> ready(int value) { co_return value; }
Task<int> fail(bool yielding) {
  if (yielding) co_await yield();
  throw std::runtime_error{"expected"};
}
Task<int> pass_on(int depth) {
  if (depth == 0) co_return co_await fail(true);
  const int value = co_await pass_on(depth - 1);
  co_return value;
}
Task<> set_flag(bool& flag, Witness) {
  flag = true;
  co_return;
}

/// Runs `body` on a thread whose stack has that many bytes.
template <class Body>
void on_small_stack(std::size_t bytes, Body body) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, bytes), 0);
  pthread_t thread;
  auto* const start = +[](void* argument) -> void* {
    (*static_cast<Body*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, start, &body), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

TEST(Toolchain, MillionsOfReadyAwaitsNeedNoStack) {
  constexpr long awaits = 5'000'000;
  constexpr std::size_t stack = 256 * 1024;
  long sum = 0;
  on_small_stack(stack, [&] {
    const auto body = [&]() -> Task<> {
      for (long i = 0; i < awaits; ++i) sum += co_await ready(1);
    };
    make_runtime("thread_local")->block_on(body());
  });
  EXPECT_EQ(sum, awaits);
}

TEST(TaskAlone, IsLazyAndDestroysItsArgumentsUnrun) {
  std::atomic<int> ends{0};
  bool ran = false;
  {
    Task<> task = set_flag(ran, Witness{ends});
    EXPECT_EQ(ends, 0);
    Task<> moved = std::move(task);
    EXPECT_FALSE(static_cast<bool>(task));
    EXPECT_TRUE(static_cast<bool>(moved));
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(ends, 1);
}

struct Big {
  std::array<int, 1'000> numbers;
};

TEST_P(TaskTest, ResultsOfEveryKindComeBackAwaitedOrSpawned) {
  run([&]() -> Task<> {
    const int number = co_await runtime().spawn(give(42));
    EXPECT_EQ(number, 42);
    const std::string text = co_await runtime().spawn(give(std::string(1'000, 'x')));
    EXPECT_EQ(text, std::string(1'000, 'x'));
    const auto unique = co_await runtime().spawn(give(std::make_unique<int>(7)));
    EXPECT_EQ(*unique, 7);
    Big big;
    std::iota(big.numbers.begin(), big.numbers.end(), 0);
    const Big back = co_await runtime().spawn(give(big));
    EXPECT_EQ(back.numbers, big.numbers);
    const Big inner = co_await give(big);
    EXPECT_EQ(inner.numbers, big.numbers);
    co_await runtime().spawn(until([] { return true; }));
  });
  EXPECT_EQ(run([&] { return give(std::string{"root"}); }), "root");
}

TEST_P(TaskTest, AnExceptionPassesEveryFrameToWhoeverWaits) {
  const auto root = [&]() -> Task<> {
    int caught = 0;
    try {
      (void)co_await pass_on(100);
    } catch (const std::runtime_error&) {
      ++caught;
    }
    try {
      (void)co_await runtime().spawn(fail(false));
    } catch (const std::runtime_error&) {
      ++caught;
    }
    EXPECT_EQ(caught, 2);
  };
  run(root);
  EXPECT_THROW(run([&] { return fail(true); }), std::runtime_error);
  EXPECT_EQ(run([&] { return give(1); }), 1);  // and the runtime is as good as before
}

/// Moves well until it is told not to.
struct Awkward {
  explicit Awkward(int moves) : moves_left{moves} {}
  Awkward(Awkward&& other) : moves_left{other.moves_left - 1} {
    if (moves_left < 0) throw std::runtime_error{"no further move"};
  }
  int moves_left;
};

TEST_P(TaskTest, AResultThatCannotBeMovedOutIsAnException) {
  const auto awkward = []() -> Task<Awkward> { co_return Awkward{1}; };  // into the frame, and no further
  EXPECT_THROW((void)run(awkward), std::runtime_error);
}

TEST_P(TaskTest, TheFrameIsGoneBeforeTheJoinerResumes) {
  std::atomic<int> ends{0};
  const auto child = [&](Witness) -> Task<int> {
    const Witness local{ends};
    co_await yield();
    co_return 1;
  };
  run([&]() -> Task<> {
    for (int round = 1; round <= 100; ++round) {
      (void)co_await runtime().spawn(child(Witness{ends}));
      EXPECT_EQ(ends, 2 * round);
    }
  });
}

TEST_P(TaskTest, YieldLetsEveryOtherReadyTaskRunFirst) {
  if (!one_thread()) return;  // an order exists on one thread only
  std::string order;
  const auto writer = [&](char c) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      order += c;
      co_await yield();
    }
  };
  run([&]() -> Task<> {
    auto a = runtime().spawn(writer('a'));
    auto b = runtime().spawn(writer('b'));
    auto c = runtime().spawn(writer('c'));
    co_await a;
    co_await b;
    co_await c;
  });
  EXPECT_EQ(order, "abcabcabc");
}

TEST_P(TaskTest, TheCurrentTaskIsTheOneThatWasSpawned) {
  const auto self = []() -> Task<TaskHeader*> {
    TaskHeader& me = co_await current_task();
    co_return &me;
  };
  run([&]() -> Task<> {
    TaskHeader& me = co_await current_task();
    TaskHeader* const inner = co_await self();
    EXPECT_EQ(inner, &me);
    auto handle = runtime().spawn(self());
    TaskHeader* const spawned = handle.header();
    TaskHeader* const said = co_await handle;
    EXPECT_EQ(said, spawned);
    EXPECT_NE(said, &me);
  });
}

}  // namespace
}  // namespace reactorlab
