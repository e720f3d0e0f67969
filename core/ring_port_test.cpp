#include "core/ring_port.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <optional>
#include <thread>

namespace reactorlab {
namespace {

/// A port that other threads wait at, or are said to.
struct RingPortTest : testing::Test {
  std::optional<RingPort> port;

  void SetUp() override {
    if (const auto reason = why_unavailable(Backend::uring_poll)) GTEST_SKIP() << *reason;
    port.emplace(RingUse::any_thread, RingSizes{});
  }
  void another_waits() {
    std::thread{[&] { port->announce(true); }}.join();
  }
  void queue_one() {
    auto lock = port->lock();
    ASSERT_NE(port->queue(Ring::nothing), nullptr);
    port->hand_over();
  }
  std::uint64_t kicks() {
    eventfd_t count = 0;
    return ::eventfd_read(port->kick_fd(), &count) == 0 ? count : 0;
  }
  unsigned queued() {
    auto lock = port->lock();
    return port->ring().queued();
  }
};

TEST_F(RingPortTest, WhatIsQueuedWhileAnotherThreadWaitsEndsThatWaitOnce) {
  another_waits();
  queue_one();
  queue_one();
  EXPECT_EQ(kicks(), 1u);
  another_waits();  // the next one
  queue_one();
  EXPECT_EQ(kicks(), 1u);
}

TEST_F(RingPortTest, WhatIsQueuedWhileNobodyWaitsGoesWithTheNextWait) {
  queue_one();
  EXPECT_EQ(kicks(), 0u);
  port->flush();
  EXPECT_EQ(queued(), 1u);
}

TEST_F(RingPortTest, WhoWaitsHereNowAndThenHandsOverAtAFlush) {
  port->announce(true);
  port->announce(false);
  another_waits();
  queue_one();
  EXPECT_EQ(kicks(), 0u);
  EXPECT_EQ(queued(), 1u);
  port->flush();
  EXPECT_EQ(queued(), 0u);
}

// A later port in the same place isn't the one that the thread waited at: nobody has promised to flush that.
TEST_F(RingPortTest, WhoWaitedAtAnEarlierPortIsAnybodyToTheNextOne) {
  port->announce(true);
  port->announce(false);
  port.emplace(RingUse::any_thread, RingSizes{});
  another_waits();
  queue_one();
  EXPECT_EQ(kicks(), 1u);
}

}  // namespace
}  // namespace reactorlab
