#include "core/inbox.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace reactorlab {
namespace {

constexpr std::uint64_t queued = TaskHeader::remote_queued, wake = TaskHeader::remote_wake, cancel_it = TaskHeader::remote_cancel;

struct InboxTest : testing::Test {
  ~InboxTest() override {
    for (TaskHeader* task : borrowed) put_confined_header(*task);
  }
  TaskHeader& header() {
    borrowed.push_back(&take_confined_header());
    return *borrowed.back();
  }
  /// As Waker::wake() does it: the queued bit decides who pushes.
  void post(TaskHeader& task, std::uint64_t requests) {
    if (!(task.remote.fetch_or(requests | queued) & queued)) inbox.push(task, [&] { ++knocks; });
  }

  Inbox inbox;
  std::atomic<int> knocks{0};
  std::vector<TaskHeader*> borrowed;
};

TEST_F(InboxTest, DrainsInTheOrderOfArrivalWithTheRequestsAddedUp) {
  TaskHeader &a = header(), &b = header(), &c = header();
  const std::uint64_t generation = a.remote.load() >> 32;
  post(b, wake);
  post(a, wake);
  post(c, cancel_it);
  post(b, cancel_it);
  EXPECT_FALSE(inbox.empty());
  std::vector<std::pair<TaskHeader*, std::uint64_t>> drained;
  EXPECT_TRUE(inbox.drain([&](TaskHeader& task, std::uint64_t requests) { drained.emplace_back(&task, requests & ~queued); }));
  const std::vector<std::pair<TaskHeader*, std::uint64_t>> expected = {{&b, wake | cancel_it}, {&a, wake}, {&c, cancel_it}};
  EXPECT_EQ(drained, expected);
  EXPECT_TRUE(inbox.empty());
  EXPECT_EQ(a.remote.load(), generation << 32);  // idle again, in the same life
  EXPECT_FALSE(inbox.drain([](TaskHeader&, std::uint64_t) { FAIL(); }));
}

TEST_F(InboxTest, ARequestThatComesWhileItIsTakenInQueuesItAnew) {
  TaskHeader& task = header();
  int taken = 0;
  post(task, wake);
  inbox.drain([&](TaskHeader& t, std::uint64_t) {
    if (++taken == 1) post(t, wake);
  });
  EXPECT_FALSE(inbox.empty());
  inbox.drain([&](TaskHeader&, std::uint64_t) { ++taken; });
  EXPECT_EQ(taken, 2);
}

TEST_F(InboxTest, OnlyTheFirstPushAfterFallingAsleepKnocks) {
  TaskHeader &a = header(), &b = header();
  EXPECT_TRUE(inbox.fall_asleep());
  post(a, wake);
  post(b, wake);
  EXPECT_EQ(knocks, 1);
  EXPECT_FALSE(inbox.fall_asleep());  // there is something: no wait
  inbox.awake();
  inbox.drain([](TaskHeader&, std::uint64_t) {});
  post(a, wake);
  EXPECT_EQ(knocks, 1);
  inbox.drain([](TaskHeader&, std::uint64_t) {});
}

TEST_F(InboxTest, OfManyForeignWakersEveryWakeIsSeen) {
  constexpr std::size_t threads = 3, tasks = 4;
  constexpr std::uint64_t wakes = 20'000;
  struct Mailbox {
    TaskHeader* task;
    std::atomic<std::uint64_t> posted{0};
    std::uint64_t seen = 0;
  };
  Mailbox boxes[tasks];
  for (Mailbox& box : boxes) box.task = &header();
  std::vector<std::thread> posters;
  for (std::size_t t = 0; t < threads; ++t) {
    posters.emplace_back([&] {
      for (std::uint64_t i = 0; i < wakes; ++i) {
        Mailbox& box = boxes[i % tasks];
        box.posted.fetch_add(1, std::memory_order_relaxed);  // published by the wake alone
        post(*box.task, wake);
      }
    });
  }
  const auto all_seen = [&] {
    std::uint64_t seen = 0;
    for (const Mailbox& box : boxes) seen += box.seen;
    return seen == threads * wakes;
  };
  while (!all_seen()) {
    const bool any = inbox.drain([&](TaskHeader& task, std::uint64_t requests) {
      EXPECT_TRUE(requests & wake);
      for (Mailbox& box : boxes) {
        if (box.task == &task) box.seen = box.posted.load(std::memory_order_relaxed);
      }
    });
    if (!any) std::this_thread::yield();
  }
  for (std::thread& poster : posters) poster.join();
  inbox.drain([](TaskHeader&, std::uint64_t) {});  // wakes that the last look at `posted` was ahead of
  EXPECT_TRUE(inbox.empty());
  EXPECT_FALSE(inbox.visited());
}

}  // namespace
}  // namespace reactorlab
