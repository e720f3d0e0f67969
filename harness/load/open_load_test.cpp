// The open loop against real sockets: counts and bytes. What its times mean is tested in simulated time (open_loop_test.cpp).
#include "harness/load/open_load.hpp"
#include "harness/load/endpoint.hpp"
#include "harness/load/test_server.hpp"
#include "harness/measure/process_setup.hpp"

#include <atomic>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reactorlab::load {
namespace {

using namespace std::chrono_literals;

/// A TestServer's fault is in the hundredth piece that it reads and in all later ones: with so many connections in all that the
/// schedule sends, and in no greeting.
constexpr std::size_t kGreetings = 99;

OpenLoadOptions options_for(std::uint16_t port, double rate = 4000) {
  OpenLoadOptions options;
  options.endpoint = loopback_endpoint(port);
  options.conns = 4;
  options.warmup = 10ms;
  options.duration = 50ms;
  options.patience = 20s;
  options.rate = rate;
  return options;
}

TEST(OpenLoad, EveryMessageOfTheScheduleIsSentAndAnswered) {
  for (const std::size_t payload : {1U, 64U, 16384U, 200'000U}) {
    TestServer server(Fault::None);
    OpenLoadOptions options = options_for(server.port(), payload > 100'000 ? 400 : 4000);
    options.payload = payload;
    const OpenLoadResult result = run_open_load(options);
    const std::uint64_t offered = payload > 100'000 ? 20 : 200;
    EXPECT_EQ(result.error, "") << payload;
    EXPECT_TRUE(result.complete());
    EXPECT_EQ(result.tally.offered, offered);
    EXPECT_EQ(result.tally.unanswered, 0U);
    EXPECT_EQ(result.tally.response.count(), offered);
    EXPECT_EQ(result.tally.service.count(), offered);
    EXPECT_EQ(result.tally.send_lag.count(), offered);
    EXPECT_EQ(result.messages_total, offered * 6 / 5 + options.conns) << "with the warm-up, and a greeting on each connection";
    EXPECT_EQ(result.bytes_verified, result.messages_total * payload);
    EXPECT_EQ(server.bytes_echoed(), result.bytes_verified);
    EXPECT_EQ(server.connections(), options.conns);
    EXPECT_GE(result.tally.response.min(), result.tally.service.min());
    EXPECT_GT(result.tally.mean_in_flight, 0);
    EXPECT_DOUBLE_EQ(result.offered_rate(), static_cast<double>(offered) / 0.05);
  }
}

TEST(OpenLoad, ItsOwnConnectionsAnswerTheScheduleToo) {
  OpenLoadOptions options = options_for(/*port=*/0);
  options.to_itself = true;
  const OpenLoadResult result = run_open_load(options);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.tally.offered, 200U);
  EXPECT_EQ(result.tally.response.count(), 200U);
  EXPECT_EQ(result.tally.unanswered, 0U);
}

TEST(OpenLoad, PoissonArrivalsAreTheSeeds) {
  const auto schedule = schedule_of(Arrivals::Poisson, 4000, 60'000'000, 9);
  TestServer server(Fault::None);
  OpenLoadOptions options = options_for(server.port());
  options.arrivals = Arrivals::Poisson;
  options.seed = 9;
  const OpenLoadResult result = run_open_load(options);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.messages_total, schedule.size() + options.conns);
  EXPECT_EQ(result.tally.response.count(), result.tally.offered);
}

TEST(OpenLoad, OneConnectionTakesWhatManyTake) {
  TestServer server(Fault::None);
  OpenLoadOptions options = options_for(server.port(), 20'000);
  options.conns = 1;
  const OpenLoadResult result = run_open_load(options);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.tally.response.count(), 1000U);
}

TEST(OpenLoad, SaysWhereItsGeneratorWas) {
  TestServer server(Fault::None);
  const auto allowed = measure::allowed_cpus();
  const OpenLoadResult result = run_open_load(options_for(server.port()));
  EXPECT_NE(result.cpu.has_value(), !result.not_pinned.empty());
  EXPECT_EQ(result.cpu.has_value(), allowed.size() > 1);
  EXPECT_EQ(measure::allowed_cpus(), allowed) << "the thread has its CPUs back";

  OpenLoadOptions chosen = options_for(server.port());
  chosen.cpu = allowed.front();
  EXPECT_EQ(run_open_load(chosen).cpu, allowed.front());

  measure::pin_this_thread({allowed.front()});
  const OpenLoadResult alone = run_open_load(options_for(server.port()));
  measure::pin_this_thread(allowed);
  EXPECT_FALSE(alone.cpu.has_value());
  EXPECT_NE(alone.not_pinned.find("one CPU only"), std::string::npos);
}

struct Broken {
  Fault fault;
  const char* says;  ///< regular expression
};

class OpenLoadCatches : public testing::TestWithParam<Broken> {};

TEST_P(OpenLoadCatches, AServerThatBreaksItsPromise) {
  TestServer server(GetParam().fault);
  OpenLoadOptions options = options_for(server.port());
  options.conns = kGreetings;
  options.payload = 100;   // a drop takes 64, so that wrong bytes come back and not none
  options.duration = 10s;  // the fault ends the run, not the clock
  const OpenLoadResult result = run_open_load(options);
  EXPECT_FALSE(result.complete());
  EXPECT_TRUE(std::regex_search(result.error, std::regex(GetParam().says))) << result.error;
}

// This generator doesn't wait for what happens to a message. So a surplus byte may arrive when the next message has left already,
// and is then that one's first byte and wrong; and a send may be the first to meet the end of a connection.
INSTANTIATE_TEST_SUITE_P(Faults, OpenLoadCatches,
                         testing::Values(Broken{Fault::Corrupt, "came back as"}, Broken{Fault::Reorder, "came back as"},
                                         Broken{Fault::Duplicate, "came back as"}, Broken{Fault::Drop, "came back as"},
                                         Broken{Fault::Surplus, "more than it got|came back as"},
                                         Broken{Fault::Close, "closed it|sending failed"}),
                         [](const auto& broken) { return std::string(name_of(broken.param.fault)); });

TEST(OpenLoad, ASilentServerLeavesMessagesUnansweredAndHoldsNobodyUp) {
  TestServer server(Fault::Silence);
  OpenLoadOptions options = options_for(server.port());
  options.conns = kGreetings;
  options.patience = 200ms;
  const OpenLoadResult result = run_open_load(options);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.tally.offered, 200U);
  EXPECT_EQ(result.tally.send_lag.count(), 200U) << "all were sent";
  EXPECT_EQ(result.tally.unanswered, 200U);
  EXPECT_EQ(result.tally.response.count(), 0U);
  EXPECT_EQ(result.messages_total, kGreetings);
}

TEST(OpenLoad, CallsBackAtBothEndsOfTheWindow) {
  TestServer server(Fault::None);
  OpenLoadOptions options = options_for(server.port());
  int opened = 0, closed = 0;
  options.on_window_open = [&] { ++opened; };
  options.on_window_close = [&] { ++closed; };
  EXPECT_TRUE(run_open_load(options).complete());
  EXPECT_EQ(opened, 1);
  EXPECT_EQ(closed, 1);
}

TEST(OpenLoad, AWindowThatIsAllHasNothingInFlightAtItsEnds) {
  TestServer server(Fault::None);
  OpenLoadOptions options = options_for(server.port());
  options.window_is_all = true;
  EXPECT_THROW((void)run_open_load(options), std::invalid_argument) << "it would have a warm-up";
  options.warmup = 0ms;
  std::vector<std::uint64_t> echoed;
  options.on_window_open = options.on_window_close = [&] { echoed.push_back(server.bytes_echoed()); };
  const OpenLoadResult result = run_open_load(options);
  ASSERT_TRUE(result.complete()) << result.error;
  ASSERT_EQ(echoed.size(), 2U);
  EXPECT_EQ(echoed[0], options.conns * options.payload) << "the greetings";
  EXPECT_EQ(echoed[1], result.bytes_verified);
  EXPECT_EQ(result.tally.response.count(), 200U);
}

LoadOptions users_for(const TestServer& server) {
  LoadOptions options;
  static_cast<LoadOptions&>(options) = options_for(server.port());
  options.rate = 4000;
  return options;
}

TEST(OpenEcho, CountsEveryMessageThatWasDue) {
  TestServer server(Fault::None);
  LoadOptions options = users_for(server);
  int calls = 0;
  options.on_window_open = options.on_window_close = [&] { ++calls; };
  const LoadResult result = run_open_echo(options);
  ASSERT_TRUE(result.verified()) << result.error;
  const auto due = schedule_of(Arrivals::Poisson, 4000, 50'000'000, options.seed).size();
  const auto before = schedule_of(Arrivals::Poisson, 4000, 10'000'000, options.seed).size();
  EXPECT_EQ(result.ops, due);
  EXPECT_EQ(result.offered, due);
  EXPECT_EQ(result.latency.count(), due);
  EXPECT_EQ(result.wall_ns, 50'000'000U) << "by the schedule, so that op/s is the rate";
  EXPECT_EQ(result.messages_total, due + before + 2 * options.conns) << "with the warm-up, and greetings of both";
  EXPECT_EQ(server.bytes_echoed(), result.bytes_verified);
  EXPECT_EQ(calls, 2);
  EXPECT_GT(result.mean_in_flight, 0);
}

TEST(PacedEcho, HasAMessageEachTick) {
  TestServer server(Fault::None);
  const LoadResult result = run_paced_echo(users_for(server));
  ASSERT_TRUE(result.verified()) << result.error;
  EXPECT_EQ(result.ops, 200U) << "4000 a second, for 50 ms";
  EXPECT_EQ(server.bytes_echoed(), result.bytes_verified);
}

TEST(OpenEcho, AMessageWithoutAnswerIsAnError) {
  TestServer server(Fault::Silence);
  LoadOptions options = users_for(server);
  options.conns = kGreetings;
  options.warmup = 0ms;
  options.patience = 200ms;
  const LoadResult result = run_open_echo(options);
  EXPECT_FALSE(result.verified());
  EXPECT_THAT(result.error, testing::HasSubstr("weren't answered"));
}

TEST(OpenEcho, WrongBytesInItsWarmUpEndIt) {
  TestServer server(Fault::Corrupt);
  LoadOptions options = users_for(server);
  options.warmup = 10s;
  EXPECT_THAT(run_open_echo(options).error, testing::HasSubstr("came back as"));
}

TEST(OpenLoad, CancelEndsIt) {
  TestServer server(Fault::None);
  std::atomic<bool> cancel = true;
  OpenLoadOptions options = options_for(server.port(), 10);
  options.duration = 1h;
  options.cancel = &cancel;
  EXPECT_TRUE(run_open_load(options).cancelled);

  cancel = false;  // and from within, when the schedule runs
  options.on_window_open = [&] { cancel = true; };
  const OpenLoadResult result = run_open_load(options);
  EXPECT_TRUE(result.cancelled);
  EXPECT_FALSE(result.complete());
}

TEST(OpenLoad, NobodyListening) {
  std::uint16_t port = 0;
  {
    TestServer gone(Fault::None);
    port = gone.port();
  }
  EXPECT_NE(run_open_load(options_for(port)).error.find("is the server running?"), std::string::npos);
}

TEST(OpenLoad, RefusesWhatCannotBe) {
  OpenLoadOptions options = options_for(1);
  options.duration = 0ns;
  EXPECT_THROW((void)run_open_load(options), std::invalid_argument);
  options = options_for(1, 1e9);
  options.duration = 1h;
  EXPECT_THROW((void)run_open_load(options), std::invalid_argument);
}

}  // namespace
}  // namespace reactorlab::load
