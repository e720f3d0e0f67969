// Loads whose requests ask for work. What a server does with that is its own affair: a plain echo passes.
#include "harness/load/endpoint.hpp"
#include "harness/load/load.hpp"
#include "harness/load/test_server.hpp"

#include <atomic>
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

namespace reactorlab::load {
namespace {

using namespace std::chrono_literals;
using Load = LoadResult (*)(const LoadOptions&);

LoadOptions options_for(const TestServer& server) {
  LoadOptions options;
  options.endpoint = loopback_endpoint(server.port());
  options.conns = 4;
  options.pipeline = 6;
  options.rate = 2000;
  options.work = 100;
  options.skew = 1.5;
  options.warmup = 5ms;
  options.duration = 20ms;
  return options;
}

TEST(AskingLoads, EveryRequestComesBackAndTheWindowHasNothingInFlight) {
  for (const Load run : {&run_work, &run_skew}) {
    TestServer server(Fault::None);
    LoadOptions options = options_for(server);
    std::uint64_t at_open = 0, at_close = 0;
    options.on_window_open = [&] { at_open = server.bytes_echoed(); };
    options.on_window_close = [&] { at_close = server.bytes_echoed(); };
    const LoadResult result = run(options);
    EXPECT_EQ(result.error, "");
    EXPECT_GE(result.ops, options.conns);
    EXPECT_EQ(at_close - at_open, result.ops * options.payload);
    EXPECT_EQ(result.bytes_verified, result.messages_total * options.payload);
    EXPECT_EQ(result.latency.count(), result.ops);
    EXPECT_EQ(result.work_asked, result.messages_total * options.work) << "every request asks";
    EXPECT_EQ(server.connections(), options.conns);
  }
}

TEST(AskingLoads, AShareOfTheRequestsAsksForWork) {
  TestServer server(Fault::None);
  LoadOptions options = options_for(server);
  options.share = 0;
  EXPECT_EQ(run_work(options).work_asked, 0U);
  options.share = 50;
  const LoadResult result = run_work(options);
  EXPECT_GT(result.work_asked, 0U);
  EXPECT_LT(result.work_asked, result.messages_total * options.work);
}

TEST(AskingLoads, ProbesAreAsManyAsWereDueAndTheBadOneIsNotAmongThem) {
  TestServer server(Fault::None);
  const LoadOptions options = options_for(server);
  const LoadResult result = run_bad_task(options);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(server.connections(), options.conns + 1);
  EXPECT_EQ(result.ops, 40U) << "20 ms at 2000/s, however late the generator is";
  EXPECT_EQ(result.latency.count(), result.ops);
  const std::uint64_t bad = result.messages_total - 10 - 40;
  EXPECT_GE(bad, 2U) << "in the warm-up and in the window";
  EXPECT_EQ(result.work_asked, bad * options.work) << "nobody else asks for work";
}

TEST(AskingLoads, WrongAnswersEndTheRun) {
  for (const Load run : {&run_work, &run_skew, &run_bad_task}) {
    for (const auto& [fault, says] : {std::pair{Fault::Corrupt, "came back as"}, {Fault::Close, "closed it"}}) {
      TestServer server(fault);
      LoadOptions options = options_for(server);
      options.rate = 1e5;
      options.warmup = 10s;  // the fault ends the run, not the clock
      EXPECT_NE(run(options).error.find(says), std::string::npos);
    }
    TestServer silent(Fault::Silence);
    LoadOptions options = options_for(silent);
    options.rate = 1e5;
    options.warmup = 10s;
    options.patience = 200ms;
    EXPECT_NE(run(options).error.find("sent nothing for"), std::string::npos);
  }
}

TEST(AskingLoads, RefuseWhatCannotBe) {
  TestServer server(Fault::None);
  for (const auto& damage : std::initializer_list<void (*)(LoadOptions&)>{
           [](LoadOptions& o) { o.payload = 7; }, [](LoadOptions& o) { o.payload = 2048; },
           [](LoadOptions& o) { o.work = 2'000'000; }, [](LoadOptions& o) { o.rate = 0; }}) {
    LoadOptions options = options_for(server);
    damage(options);
    EXPECT_THROW((void)run_bad_task(options), std::invalid_argument);
  }
}

TEST(AskingLoads, CancelEndsThem) {
  const std::atomic<bool> cancel = true;
  for (const Load run : {&run_work, &run_skew, &run_bad_task}) {
    TestServer server(Fault::None);
    LoadOptions options = options_for(server);
    options.duration = 1h;
    options.cancel = &cancel;
    EXPECT_TRUE(run(options).cancelled);
  }
}

}  // namespace
}  // namespace reactorlab::load
