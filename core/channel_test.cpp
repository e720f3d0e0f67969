#include "core/channel.hpp"

#include <numeric>
#include <thread>
#include <vector>

#include "core/combinators.hpp"
#include "core/runtime_test.hpp"

namespace reactorlab {
namespace {

using ChannelTest = RuntimeTest;
REACTORLAB_ON_EVERY_RUNTIME(ChannelTest);

Task<> send_range(Channel<int>& channel, int first, int count) {
  for (int i = first; i < first + count; ++i) co_await channel.send(i);
}

Task<std::vector<int>> receive_all(Channel<int>& channel) {
  std::vector<int> values;
  for (;;) {
    const std::optional<int> value = co_await channel.receive();
    if (!value) co_return values;
    values.push_back(*value);
  }
}

Task<std::optional<int>> receive_one(Channel<int>& channel, std::atomic<int>& started) {
  ++started;
  std::optional<int> value = co_await channel.receive();
  co_return value;
}

Task<bool> send_one(Channel<int>& channel, int value, std::atomic<int>& started) {
  ++started;
  const bool sent = co_await channel.send(value);
  co_return sent;
}

/// What the task returned, or nothing if it was cancelled.
template <class T>
Task<std::optional<T>> outcome(JoinHandle<T>& handle) {
  std::optional<T> result;
  try {
    result = co_await handle;
  } catch (const TaskCancelled&) {
  }
  co_return result;
}

TEST(ChannelAlone, NeedsRoomForOne) { EXPECT_THROW(Channel<int>{0}, UsageError); }

TEST(ChannelAlone, TakesWhatFitsAndLeavesWhatDoesNotWithTheCaller) {
  Channel<std::unique_ptr<int>> channel{1};
  EXPECT_TRUE(channel.try_send(std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);
  EXPECT_FALSE(channel.try_send(std::move(second)));
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(channel.size(), 1u);
  EXPECT_EQ(**channel.try_receive(), 1);
  EXPECT_EQ(channel.try_receive(), std::nullopt);
  channel.close();
  EXPECT_FALSE(channel.try_send(std::move(second)));
}

TEST(ChannelAlone, DestroysWhatNobodyTook) {
  std::atomic<int> ends{0};
  {
    Channel<Witness> channel{4};
    EXPECT_TRUE(channel.try_send(Witness{ends}));
    EXPECT_TRUE(channel.try_send(Witness{ends}));
    EXPECT_EQ(ends, 0);
  }
  EXPECT_EQ(ends, 2);
}

TEST_P(ChannelTest, KeepsTheOrder) {
  for (const int capacity : {1, 3, 64}) {
    Channel<int> channel{static_cast<std::size_t>(capacity)};
    const auto sender = [&]() -> Task<> {
      co_await send_range(channel, 0, 1'000);
      channel.close();
    };
    std::vector<int> received = run([&]() -> Task<std::vector<int>> {
      auto both = co_await when_all(sender(), receive_all(channel));
      co_return std::move(std::get<1>(both));
    });
    std::vector<int> expected(1'000);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(received, expected);
  }
}

TEST_P(ChannelTest, ManySendersToManyReceiversEachValueOnce) {
  constexpr int parties = 4, each = 1'000;
  Channel<int> channel{2};
  const auto senders = [&]() -> Task<> {
    std::vector<Task<>> tasks;
    for (int i = 0; i < parties; ++i) tasks.push_back(send_range(channel, i * each, each));
    (void)co_await when_all(std::move(tasks));
    channel.close();
  };
  std::vector<int> times(parties * each);
  run([&]() -> Task<> {
    JoinHandle<void> sending = runtime().spawn(senders());
    std::vector<Task<std::vector<int>>> receivers;
    for (int i = 0; i < parties; ++i) receivers.push_back(receive_all(channel));
    const auto received = co_await when_all(std::move(receivers));
    for (const auto& values : received) {
      for (const int value : values) ++times[static_cast<std::size_t>(value)];
    }
    co_await sending;
  });
  EXPECT_EQ(times, std::vector<int>(parties * each, 1));
}

TEST_P(ChannelTest, JoinsRuntimesOnDifferentThreads) {
  constexpr int messages = 10'000;
  Channel<int> there{8}, back{8};
  std::thread other{[&] {
    const auto echo = [&]() -> Task<> {
      for (;;) {
        const std::optional<int> value = co_await there.receive();
        if (!value) break;
        co_await back.send(*value);
      }
      back.close();
    };
    make_runtime("thread_local")->block_on(echo());
  }};
  const auto sender = [&]() -> Task<> {
    co_await send_range(there, 0, messages);
    there.close();
  };
  const std::vector<int> received = run([&]() -> Task<std::vector<int>> {
    auto both = co_await when_all(sender(), receive_all(back));
    co_return std::move(std::get<1>(both));
  });
  other.join();
  std::vector<int> expected(messages);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(received, expected);
}

TEST_P(ChannelTest, ClosingEndsEveryWaiterAndLeavesWhatWasSent) {
  constexpr int waiters = 20;  // more than are woken in one go
  Channel<int> full{1}, empty{1};
  std::atomic<int> started{0};
  int refused = 0, ended = 0;
  ASSERT_TRUE(full.try_send(7));
  run([&]() -> Task<> {
    std::vector<JoinHandle<bool>> senders;
    std::vector<JoinHandle<std::optional<int>>> receivers;
    for (int i = 0; i < waiters; ++i) {
      senders.push_back(runtime().spawn(send_one(full, i, started)));
      receivers.push_back(runtime().spawn(receive_one(empty, started)));
    }
    co_await until([&] { return started == 2 * waiters; });
    full.close();
    empty.close();
    for (auto& sender : senders) {
      const bool sent = co_await sender;
      refused += !sent;
    }
    for (auto& receiver : receivers) {
      const std::optional<int> value = co_await receiver;
      ended += !value;
    }
  });
  EXPECT_EQ(refused, waiters);
  EXPECT_EQ(ended, waiters);
  EXPECT_EQ(full.try_receive(), 7);
  EXPECT_EQ(full.try_receive(), std::nullopt);
}

TEST_P(ChannelTest, ACancelledReceiverPassesItsClaimOn) {
  for (int round = 0; round < 200; ++round) {
    Channel<int> channel{4};
    std::atomic<int> started{0};
    std::optional<std::optional<int>> first, second;
    run([&]() -> Task<> {
      auto one = runtime().spawn(receive_one(channel, started));
      co_await until([&] { return started == 1; });
      auto two = runtime().spawn(receive_one(channel, started));
      co_await until([&] { return started == 2; });
      co_await channel.send(7);
      one.cancel();
      first = co_await outcome(one);
      channel.close();  // the second one waits still, though the channel is closed, if there is a value with a claim on it
      second = co_await outcome(two);
    });
    const bool first_got_it = first && *first == 7;
    const bool second_got_it = second && *second == 7;
    EXPECT_NE(first_got_it, second_got_it);
    if (one_thread()) {
      EXPECT_TRUE(second_got_it);
    }
    EXPECT_EQ(channel.size(), 0u);
  }
}

TEST_P(ChannelTest, ClosedWithAClaimOpenTheNextReceiverStillGetsTheValueThatIsGivenBack) {
  for (int round = 0; round < 200; ++round) {
    Channel<int> channel{4};
    std::atomic<int> started{0};
    std::optional<std::optional<int>> first, second;
    run([&]() -> Task<> {
      auto one = runtime().spawn(receive_one(channel, started));
      co_await until([&] { return started == 1; });
      auto two = runtime().spawn(receive_one(channel, started));
      co_await until([&] { return started == 2; });
      (void)channel.try_send(7);
      channel.close();
      one.cancel();
      first = co_await outcome(one);
      second = co_await outcome(two);
    });
    EXPECT_NE(first && *first == 7, second && *second == 7);
    EXPECT_EQ(channel.size(), 0u);
  }
}

TEST_P(ChannelTest, ACancelledSenderHasSentAllOrNothing) {
  for (int round = 0; round < 200; ++round) {
    Channel<int> channel{1};
    std::atomic<int> started{0};
    ASSERT_TRUE(channel.try_send(1));
    std::optional<bool> sent;
    std::vector<int> received;
    run([&]() -> Task<> {
      auto sender = runtime().spawn(send_one(channel, 2, started));
      co_await until([&] { return started == 1; });
      sender.cancel();
      sent = co_await outcome(sender);
      channel.close();
      received = co_await receive_all(channel);
    });
    EXPECT_FALSE(sent.has_value());
    EXPECT_EQ(received, std::vector<int>{1});
  }
}

TEST_P(ChannelTest, CancellingUnderLoadLosesNoValue) {
  constexpr int values = 2'000;
  Channel<int> channel{2};
  std::atomic<int> sum{0};
  const auto receiver = [&]() -> Task<> {
    for (;;) {
      const std::optional<int> value = co_await channel.receive();
      if (!value) co_return;
      sum += *value;
    }
  };
  const auto sender = [&]() -> Task<> {
    co_await send_range(channel, 1, values);
    channel.close();
  };
  run([&]() -> Task<> {
    JoinHandle<void> sending = runtime().spawn(sender());
    JoinHandle<void> steady = runtime().spawn(receiver());
    while (!sending.done()) {
      JoinHandle<void> brief = runtime().spawn(receiver());
      co_await yield();
      brief.cancel();
      try {
        co_await brief;  // its end: nobody may be left in the channel when that goes
      } catch (const TaskCancelled&) {
      }
    }
    co_await sending;
    co_await steady;
    // What a cancelled one had a claim on goes to a later receiver.
    co_await receiver();
  });
  EXPECT_EQ(sum, values * (values + 1) / 2);
  EXPECT_EQ(channel.size(), 0u);
}

TEST_P(ChannelTest, OperationsThatNeverParkSpendTheBudget) {
  if (!one_thread()) return;  // with two workers the other task runs anyway
  constexpr int messages = 1'000;
  std::atomic<bool> done{false};
  int others_turns = 0;
  const auto other = [&]() -> Task<> {
    for (; !done; ++others_turns) co_await yield();
  };
  run([&]() -> Task<> {
    JoinHandle<void> handle = runtime().spawn(other());
    Channel<int> channel{1};
    for (int i = 0; i < messages; ++i) {
      co_await channel.send(i);
      const std::optional<int> value = co_await channel.receive();
      EXPECT_EQ(value, i);
    }
    done = true;
    co_await handle;
  });
  EXPECT_GE(others_turns, 2 * messages / leaf_budget - 1);
}

}  // namespace
}  // namespace reactorlab
