#include "harness/load/open_loop.hpp"
#include "harness/load/arrivals.hpp"
#include "harness/load/simulated_server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace reactorlab::load {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kSecond = 1'000 * kMillisecond;
constexpr OpenLoop::Window kAll{0, kSecond};

TEST(OpenLoop, MessagesGoRoundTheConnectionsWhenTheirTimeHasCome) {
  OpenLoop loop({10, 20, 30, 40, 50}, 2, kAll);
  loop.observe(9);
  EXPECT_EQ(loop.take_due(), std::nullopt);
  EXPECT_EQ(loop.next_due_ns(), 10U);
  loop.observe(30);
  EXPECT_EQ(loop.take_due(), 0U);
  EXPECT_EQ(loop.take_due(), 1U);
  EXPECT_EQ(loop.take_due(), 0U);
  EXPECT_EQ(loop.take_due(), std::nullopt);
  EXPECT_EQ(loop.next_due_ns(), 40U);
  loop.observe(kSecond);
  EXPECT_EQ(loop.take_due(), 1U);
  EXPECT_EQ(loop.take_due(), 0U);
  EXPECT_EQ(loop.next_due_ns(), std::nullopt);
  EXPECT_FALSE(loop.finished());
}

TEST(OpenLoop, EveryMessageHasItsThreeStamps) {
  OpenLoop loop({100, 200, 300}, 1, kAll);
  loop.observe(350);
  for (const std::uint64_t sent : {351U, 360U, 370U}) {
    ASSERT_EQ(loop.take_due(), 0U);
    loop.on_sent(0, sent);
  }
  loop.on_done(0, 400);
  loop.on_done(0, 500);
  loop.on_done(0, 501);
  EXPECT_TRUE(loop.finished());
  const OpenTally tally = loop.finish(600);
  EXPECT_EQ(tally.offered, 3U);
  EXPECT_EQ(tally.unanswered, 0U);
  EXPECT_EQ(tally.response.min(), 201U);
  EXPECT_EQ(tally.response.percentile(0.5), 300U);
  EXPECT_EQ(tally.service.min(), 49U);
  EXPECT_EQ(tally.service.max(), 140U);
  EXPECT_EQ(tally.send_lag.min(), 70U);
  EXPECT_EQ(tally.send_lag.max(), 251U);
}

TEST(OpenLoop, ASlowAnswerHoldsNobodyUp) {
  OpenLoop loop({0, 10, 20, 30}, 2, kAll);
  for (const std::uint64_t now : {0U, 10U, 20U, 30U}) {
    loop.observe(now);
    const auto conn = loop.take_due();
    ASSERT_TRUE(conn) << "due at " << now << ", though nothing was answered";
    loop.on_sent(*conn, now);
  }
  loop.on_done(1, 40);
  const OpenTally tally = loop.finish(100);
  EXPECT_EQ(tally.send_lag.max(), 0U);
  EXPECT_EQ(tally.send_lag.count(), 4U);
  EXPECT_EQ(tally.response.max(), 30U) << "connections are answered independently";
  EXPECT_EQ(tally.unanswered, 3U);
}

TEST(OpenLoop, AMessageIsSentLateBeyondTheThreshold) {
  OpenLoop loop({0, 0}, 1, kAll);
  loop.observe(OpenLoop::kLateNs);
  for (const std::uint64_t late : {0U, 1U}) {
    ASSERT_TRUE(loop.take_due());
    loop.on_sent(0, OpenLoop::kLateNs + late);
  }
  EXPECT_EQ(loop.finish(kSecond).late_sends, 1U);
}

TEST(OpenLoop, TheWindowCountsByIntendedTime) {
  OpenLoop loop({50, 150, 199, 200}, 4, {100, 200});
  loop.observe(250);
  for (std::size_t conn = 0; conn < 4; ++conn) {
    ASSERT_EQ(loop.take_due(), conn);
    loop.on_sent(conn, 250);
  }
  for (std::size_t conn = 0; conn < 4; ++conn) loop.on_done(conn, 300);
  const OpenTally tally = loop.finish(300);
  EXPECT_EQ(tally.offered, 2U);
  EXPECT_EQ(tally.response.count(), 2U) << "answered after the window, and counted all the same";
  EXPECT_EQ(tally.response.max(), 150U);
  EXPECT_EQ(tally.achieved, 0U);
}

TEST(OpenLoop, AchievedIsWhatWasAnsweredWithinTheWindow) {
  OpenLoop loop({50, 150}, 2, {100, 200});
  loop.observe(50);
  ASSERT_TRUE(loop.take_due());
  loop.on_sent(0, 50);
  loop.on_done(0, 120);
  loop.observe(150);
  ASSERT_TRUE(loop.take_due());
  loop.on_sent(1, 150);
  loop.on_done(1, 200);
  const OpenTally tally = loop.finish(200);
  EXPECT_EQ(tally.achieved, 1U);
  EXPECT_EQ(tally.offered, 1U);
  EXPECT_EQ(tally.response.count(), 1U);
}

TEST(OpenLoop, MessagesInFlightCountFromTheirIntendedTimes) {
  OpenLoop loop({10, 20}, 1, {0, 100});
  loop.observe(5);
  loop.observe(30);  // noticed late: 20 + 10 ns of flight until here
  ASSERT_TRUE(loop.take_due());
  ASSERT_TRUE(loop.take_due());
  loop.on_sent(0, 30);
  loop.on_sent(0, 31);
  loop.on_done(0, 40);   // 10 + 10 more
  loop.on_done(0, 150);  // 60 more until the window's end
  EXPECT_DOUBLE_EQ(loop.finish(150).mean_in_flight, (20 + 10 + 20 + 60) / 100.0);
}

TEST(OpenLoop, APassIsBusyWhenItHasSomethingToDo) {
  OpenLoop loop({0, 120}, 1, {100, 200});
  loop.observe(90);
  ASSERT_TRUE(loop.take_due());  // busy from 90 on, of which the window has 10 ns
  loop.on_sent(0, 91);
  loop.observe(110);  // nothing
  loop.observe(130);
  ASSERT_TRUE(loop.take_due());  // 15 ns
  loop.on_sent(0, 131);
  loop.observe(145);  // nothing
  loop.observe(160);
  loop.on_work();  // 20 ns
  loop.observe(180);
  loop.observe(195);
  loop.on_work();  // until 230, of which the window has 5 ns
  EXPECT_DOUBLE_EQ(loop.finish(230).busy_ns, 10 + 15 + 20 + 5);
}

TEST(OpenLoop, WithoutAQueueEveryResponseIsTheServiceTime) {
  const OpenTally tally =
      open_loop_on(SimulatedServer(1000), schedule_of(Arrivals::Constant, 100'000, kSecond, 1), 8, {0, kSecond});
  EXPECT_EQ(tally.offered, 100'000U);
  EXPECT_EQ(tally.achieved, 100'000U);
  EXPECT_EQ(tally.response.min(), 1000U);
  EXPECT_EQ(tally.response.max(), 1000U);
  EXPECT_NEAR(tally.mean_in_flight, 0.1, 1e-6) << "Little: 100,000/s x 1 us";
}

/// Pollaczek and Khinchine: at load r a message of constant service time s waits r s / (2 (1 - r)) on average.
TEST(OpenLoop, PoissonArrivalsWaitAsQueueingTheorySays) {
  constexpr std::uint64_t kService = 10'000;
  for (const double load : {0.2, 0.5, 0.8}) {
    const OpenTally tally = open_loop_on(SimulatedServer(kService), schedule_of(Arrivals::Poisson, load * 1e5, 20 * kSecond, 3), 16,
                                         {kSecond, 20 * kSecond});
    const double expected = kService * (1 + load / (2 * (1 - load)));
    EXPECT_NEAR(tally.response.mean(), expected, 0.03 * expected) << load;
    EXPECT_NEAR(tally.mean_in_flight, load * 1e-4 * expected, 0.03 * load * 1e-4 * expected) << load;
  }
}

/// A server that takes 5 us a message and does nothing for 200 ms, once within 10 s.
class Stall : public testing::Test {
 protected:
  static constexpr std::uint64_t kService = 5'000;
  static constexpr std::uint64_t kStall = 200 * kMillisecond;
  static constexpr std::uint64_t kDuration = 10 * kSecond;
  static constexpr double kRate = 40'000;
  static constexpr double kLoad = kRate * static_cast<double>(kService) * 1e-9;

  static OpenTally open(Arrivals arrivals) {
    return open_loop_on(SimulatedServer(kService, 4 * kSecond, kStall), schedule_of(arrivals, kRate, kDuration, 1), 64,
                        {0, kDuration});
  }
  static measure::Histogram closed(std::size_t conns) {
    return closed_loop_on(SimulatedServer(kService, 4 * kSecond, kStall), conns, kDuration);
  }

  /// Who arrives u after the stall began waits until its end, then for those who came in between: S - u + load x u.
  static double share_beyond(std::uint64_t ns) {
    return static_cast<double>(kStall - ns) / ((1 - kLoad) * static_cast<double>(kDuration));
  }

  static void print(const char* loop, const measure::Histogram& latency) {
    const auto milliseconds = [](std::uint64_t ns) { return static_cast<double>(ns) * 1e-6; };
    const auto beyond = count_beyond(latency, 20 * kMillisecond);
    fmt::print("{:<32} {:>9} {:>9} {:>9.4f} % {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f}\n", loop, latency.count(), beyond,
               100 * static_cast<double>(beyond) / static_cast<double>(latency.count()), milliseconds(latency.percentile(0.5)),
               milliseconds(latency.percentile(0.99)), milliseconds(latency.percentile(0.999)), milliseconds(latency.max()));
  }
};

/// Prints the table of docs/METHODOLOGY.md.
TEST_F(Stall, IsWhatUsersSeeOfItInAnOpenLoopAndHiddenByAClosedOne) {
  fmt::print("{:<32} {:>9} {:>9} {:>11} {:>9} {:>9} {:>9} {:>9}\n", "loop", "messages", "> 20 ms", "share", "p50 ms", "p99 ms",
             "p99.9 ms", "max ms");
  for (const Arrivals arrivals : {Arrivals::Constant, Arrivals::Poisson}) {
    const OpenTally tally = open(arrivals);
    print(arrivals == Arrivals::Constant ? "open, 40,000/s, constant" : "open, 40,000/s, Poisson", tally.response);
    EXPECT_EQ(tally.unanswered, 0U);
    for (const std::uint64_t ms : {20U, 50U, 100U, 150U}) {
      const double share =
          static_cast<double>(count_beyond(tally.response, ms * kMillisecond)) / static_cast<double>(tally.offered);
      EXPECT_NEAR(share, share_beyond(ms * kMillisecond), 0.05 * share_beyond(ms * kMillisecond)) << ms << " ms";
    }
  }
  for (const std::size_t conns : {1U, 64U}) {
    const measure::Histogram latency = closed(conns);
    print(conns == 1 ? "closed, 1 connection" : "closed, 64 connections", latency);
    EXPECT_EQ(count_beyond(latency, 20 * kMillisecond), conns) << "once on each connection, however long it lasts";
    EXPECT_GE(latency.max(), kStall);
    EXPECT_LE(latency.percentile(0.999), conns * kService * 1001 / 1000) << "and no percentile knows of it";
  }
}

TEST_F(Stall, OfTheGeneratorIsInTheResponseAndNotInTheService) {
  OpenLoop loop(schedule_of(Arrivals::Constant, 1000, kSecond, 1), 4, kAll);
  SimulatedServer server(kService);
  std::uint64_t expected_late = 0;
  for (std::uint64_t now = 0; !loop.finished(); now += now == 300 * kMillisecond ? kStall : kMillisecond) {
    loop.observe(now);
    while (const auto conn = loop.take_due()) {
      loop.on_sent(*conn, now);
      loop.on_done(*conn, std::max(now, server.answer_at(now)));
    }
    if (now == 300 * kMillisecond) expected_late = kStall / kMillisecond - 1;
  }
  const OpenTally tally = loop.finish(2 * kSecond);
  EXPECT_EQ(tally.late_sends, expected_late);
  EXPECT_GE(tally.send_lag.max(), kStall - kMillisecond);
  EXPECT_GE(tally.response.max(), kStall - kMillisecond);
  EXPECT_LT(tally.service.max(), 2 * kMillisecond);
}

}  // namespace
}  // namespace reactorlab::load
