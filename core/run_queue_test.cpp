#include "core/run_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace reactorlab {
namespace {

constexpr std::uint32_t capacity = RunQueue::capacity;

struct RunQueueTest : testing::Test {
  std::unique_ptr<RunQueue> queue = std::make_unique<RunQueue>(RunQueue::Thieves::some);
  std::unique_ptr<TaskHeader[]> tasks = std::make_unique<TaskHeader[]>(2 * capacity);
  TaskHeader* loot[capacity] = {};
};

TEST_F(RunQueueTest, WithoutThievesItIsTheSame) {
  RunQueue alone{RunQueue::Thieves::none};
  for (std::uint32_t round = 0; round < 3; ++round) {  // the slots come round
    for (std::uint32_t i = 0; i < capacity; ++i) ASSERT_TRUE(alone.push(tasks[i]));
    EXPECT_FALSE(alone.push(tasks[capacity]));
    for (std::uint32_t i = 0; i < capacity; ++i) ASSERT_EQ(alone.pop(), &tasks[i]);
    EXPECT_EQ(alone.pop(), nullptr);
  }
}

TEST_F(RunQueueTest, IsFirstInFirstOutAndBounded) {
  EXPECT_EQ(queue->pop(), nullptr);
  for (std::uint32_t i = 0; i < capacity; ++i) EXPECT_TRUE(queue->push(tasks[i]));
  EXPECT_TRUE(queue->full());
  EXPECT_FALSE(queue->push(tasks[capacity]));
  EXPECT_EQ(queue->size(), capacity);
  for (std::uint32_t i = 0; i < capacity; ++i) EXPECT_EQ(queue->pop(), &tasks[i]);
  EXPECT_EQ(queue->pop(), nullptr);
  EXPECT_EQ(queue->size(), 0u);
}

TEST_F(RunQueueTest, AThiefTakesTheOlderHalfRoundedUp) {
  EXPECT_EQ(queue->steal_half(loot), 0u);
  for (std::uint32_t i = 0; i < 5; ++i) queue->push(tasks[i]);
  ASSERT_EQ(queue->steal_half(loot), 3u);
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(loot[i], &tasks[i]);
  EXPECT_EQ(queue->pop(), &tasks[3]);
  ASSERT_EQ(queue->steal_half(loot), 1u);
  EXPECT_EQ(loot[0], &tasks[4]);
}

TEST_F(RunQueueTest, AListGoesInAsFarAsItIsOursAndThereIsRoom) {
  for (std::uint32_t i = 0; i + 1 < 2 * capacity; ++i) tasks[i].next = &tasks[i + 1];
  const auto ours = [&](const TaskHeader& task) { return &task != &tasks[3]; };
  EXPECT_EQ(queue->push_list(&tasks[0], ours), &tasks[3]);
  EXPECT_EQ(queue->size(), 3u);
  EXPECT_EQ(queue->push_list(&tasks[4], ours), &tasks[4 + capacity - 3]);
  EXPECT_TRUE(queue->full());
  EXPECT_EQ(queue->pop(), &tasks[0]);
  EXPECT_EQ(queue->push_list(&tasks[2 * capacity - 1], ours), nullptr);
}

TEST_F(RunQueueTest, WithThievesEveryTaskIsTakenExactlyOnce) {
  constexpr std::uint32_t total = 100'000, thieves = 2;
  auto many = std::make_unique<TaskHeader[]>(total);
  auto taken = std::make_unique<std::atomic<int>[]>(total);
  const auto take = [&](const TaskHeader* task) { taken[static_cast<std::size_t>(task - many.get())].fetch_add(1); };
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < thieves; ++t) {
    threads.emplace_back([&] {
      TaskHeader* mine[capacity];
      while (!done) {
        const std::uint32_t n = queue->steal_half(mine);
        for (std::uint32_t i = 0; i < n; ++i) take(mine[i]);
        if (n == 0) std::this_thread::yield();
      }
    });
  }
  for (std::uint32_t next = 0; next < total;) {
    if (next % 3 == 0) {
      const std::uint32_t end = std::min(next + 3, total);
      for (std::uint32_t i = next; i + 1 < end; ++i) many[i].next = &many[i + 1];
      many[end - 1].next = nullptr;
      for (TaskHeader* rest = &many[next]; (rest = queue->push_list(rest, [](TaskHeader&) { return true; }));) {
        if (TaskHeader* const task = queue->pop()) take(task);
      }
      next = end;
    } else if (queue->push(many[next])) {
      ++next;
    }
    if (next % 4 == 0) {
      if (TaskHeader* const task = queue->pop()) take(task);
    }
  }
  while (TaskHeader* const task = queue->pop()) take(task);
  done = true;
  for (std::thread& thread : threads) thread.join();
  for (std::uint32_t i = 0; i < total; ++i) ASSERT_EQ(taken[i], 1) << i;
}

}  // namespace
}  // namespace reactorlab
