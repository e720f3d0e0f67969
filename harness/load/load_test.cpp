#include "harness/load/load.hpp"
#include "harness/load/endpoint.hpp"
#include "harness/load/pattern.hpp"
#include "harness/load/test_server.hpp"

#include <atomic>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace reactorlab::load {
namespace {

using namespace std::chrono_literals;

LoadOptions options_for(const TestServer& server, std::size_t payload = 64, std::size_t pipeline = 1) {
  LoadOptions options;
  options.endpoint = loopback_endpoint(server.port());
  options.conns = 4;
  options.payload = payload;
  options.pipeline = pipeline;
  options.warmup = 5ms;
  options.duration = 20ms;
  options.patience = 10s;
  return options;
}

TEST(Load, EveryByteComesBackForEveryShape) {
  for (const std::size_t payload : {1U, 64U, 16384U, 200'000U}) {
    for (const std::size_t pipeline : {1U, 16U}) {
      TestServer server(Fault::None);
      const LoadResult result = run_load(options_for(server, payload, pipeline));
      EXPECT_EQ(result.error, "") << payload << " B, pipeline " << pipeline;
      EXPECT_TRUE(result.verified());
      EXPECT_EQ(result.latency.count(), result.ops);
      EXPECT_GE(result.ops, 4 * pipeline) << "each connection fills its pipeline once at least";
      EXPECT_GE(result.messages_total, result.ops + 4 * pipeline);
      EXPECT_EQ(result.bytes_verified, result.messages_total * payload) << "nothing is left in flight";
    }
  }
}

TEST(Load, WhatGoesToItselfComesBackWithNobodyBehindIt) {
  TestServer nobody(Fault::None);
  for (const std::size_t payload : {64U, 200'000U}) {
    for (const std::size_t pipeline : {1U, 16U}) {
      LoadOptions options = options_for(nobody, payload, pipeline);
      options.to_itself = true;
      const LoadResult result = run_load(options);
      EXPECT_EQ(result.error, "") << payload << " B, pipeline " << pipeline;
      EXPECT_TRUE(result.verified());
      EXPECT_EQ(result.bytes_verified, result.messages_total * payload);
    }
  }
  EXPECT_EQ(nobody.connections(), 0U);
}

TEST(Load, TheWindowOpensAndClosesOnceWithNothingInFlight) {
  TestServer server(Fault::None);
  LoadOptions options = options_for(server);
  std::uint64_t echoed_at_open = 0, echoed_at_close = 0;
  int opened = 0, closed = 0;
  options.on_window_open = [&] { ++opened, echoed_at_open = server.bytes_echoed(); };
  options.on_window_close = [&] { ++closed, echoed_at_close = server.bytes_echoed(); };
  const LoadResult result = run_load(options);
  EXPECT_EQ(opened, 1);
  EXPECT_EQ(closed, 1);
  EXPECT_EQ(echoed_at_close - echoed_at_open, result.ops * options.payload);
}

struct Broken {
  Fault fault;
  const char* says;
};

class LoadCatches : public testing::TestWithParam<Broken> {};

TEST_P(LoadCatches, AServerThatBreaksItsPromise) {
  TestServer server(GetParam().fault);
  LoadOptions options = options_for(server);
  options.warmup = 10s;  // the fault ends the run, not the clock
  options.patience = GetParam().fault == Fault::Silence || GetParam().fault == Fault::Drop ? 200ms : 10s;
  const LoadResult result = run_load(options);
  EXPECT_FALSE(result.verified());
  EXPECT_NE(result.error.find(GetParam().says), std::string::npos) << result.error;
}

INSTANTIATE_TEST_SUITE_P(Faults, LoadCatches,
                         testing::Values(Broken{Fault::Corrupt, "came back as"}, Broken{Fault::Reorder, "came back as"},
                                         Broken{Fault::Duplicate, "came back as"}, Broken{Fault::Surplus, "more than it got"},
                                         Broken{Fault::Drop, "sent nothing for"}, Broken{Fault::Silence, "sent nothing for"},
                                         Broken{Fault::Close, "closed it"}),
                         [](const auto& broken) { return std::string(name_of(broken.param.fault)); });

TEST(Churn, EveryOperationIsAConnectionOfItsOwn) {
  TestServer server(Fault::None);
  LoadOptions options = options_for(server);
  std::uint64_t at_open = 0, at_close = 0;
  options.on_window_open = [&] { at_open = server.connections(); };
  options.on_window_close = [&] { at_close = server.connections(); };
  const LoadResult result = run_churn(options);
  EXPECT_EQ(result.error, "");
  EXPECT_TRUE(result.verified());
  EXPECT_GE(result.ops, options.conns) << "each connector connects once at least";
  EXPECT_EQ(at_close - at_open, result.ops) << "nothing is open at the ends of the window";
  EXPECT_EQ(result.messages_total, server.connections()) << "one message on each";
  EXPECT_EQ(result.bytes_verified, result.messages_total * options.payload);
  EXPECT_EQ(result.latency.count(), result.ops);
}

/// The connections of that port in TIME_WAIT: local and remote address, from /proc/net/tcp, where they are HEX:PORT and the state
/// is 06.
std::set<std::string> waiting_connections(std::uint16_t server_port) {
  std::set<std::string> found;
  std::ifstream table("/proc/net/tcp");
  const std::string port = fmt::format(":{:04X}", server_port);
  for (std::string line; std::getline(table, line);) {
    std::istringstream fields(line);
    std::string number, local, remote, state;
    fields >> number >> local >> remote >> state;
    if ((local.ends_with(port) || remote.ends_with(port)) && state == "06") found.insert(local + " " + remote);
  }
  return found;
}

TEST(Churn, LeavesNoLocalPortInTimeWait) {
  TestServer server(Fault::None);
  const LoadOptions options = options_for(server);
  const auto before = waiting_connections(server.port());  // of somebody who had the port a minute ago
  ASSERT_TRUE(run_churn(options).verified());
  for (const std::string& connection : waiting_connections(server.port())) EXPECT_TRUE(before.contains(connection)) << connection;
}

TEST(Churn, MessagesLargerThanASegmentComeBackWhole) {
  TestServer server(Fault::None);
  const LoadResult result = run_churn(options_for(server, 200'000));
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.bytes_verified, result.messages_total * 200'000);
}

TEST(Churn, NobodyListening) {
  LoadOptions options;
  {
    TestServer gone(Fault::None);
    options.endpoint = loopback_endpoint(gone.port());
  }
  EXPECT_NE(run_churn(options).error.find("is the server running?"), std::string::npos);
  EXPECT_NE(run_idle(options).error.find("is the server running?"), std::string::npos);
}

TEST(Churn, CancelEndsIt) {
  TestServer server(Fault::None);
  std::atomic<bool> cancel = true;
  LoadOptions options = options_for(server);
  options.duration = 1h;
  options.cancel = &cancel;
  EXPECT_TRUE(run_churn(options).cancelled);
  EXPECT_TRUE(run_idle(options).cancelled);
}

TEST(Idle, EveryConnectionIsOpenAndHasExchangedAMessage) {
  TestServer server(Fault::None);
  LoadOptions options = options_for(server);
  options.conns = 100;  // more than are opened at once
  std::uint64_t accepted_at_open = 0, open_at_close = 0, echoed_at_open = 0, echoed_at_close = 0;
  options.on_window_open = [&] { accepted_at_open = server.connections(), echoed_at_open = server.bytes_echoed(); };
  options.on_window_close = [&] { open_at_close = server.connections(), echoed_at_close = server.bytes_echoed(); };
  const LoadResult result = run_idle(options);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.ops, 100U);
  EXPECT_EQ(accepted_at_open, 1U) << "what is made once is made before the window opens";
  EXPECT_EQ(open_at_close, 101U);
  EXPECT_EQ(echoed_at_close - echoed_at_open, 100 * options.payload);
  EXPECT_EQ(result.latency.count(), 100U);
}

using LoadMode = LoadResult (*)(const LoadOptions&);

TEST(Load, EveryModeCatchesABrokenServer) {
  for (const LoadMode mode : {&run_churn, &run_idle}) {
    for (const Broken& broken : {Broken{Fault::Corrupt, "came back as"}, Broken{Fault::Drop, "sent nothing for"},
                                 Broken{Fault::Surplus, "more than it got"}, Broken{Fault::Close, "closed it"}}) {
      TestServer server(broken.fault);
      LoadOptions options = options_for(server);
      options.conns = mode == &run_idle ? 200 : 4;
      options.warmup = 10s;
      options.patience = broken.fault == Fault::Drop ? 200ms : 10s;
      const LoadResult result = mode(options);
      EXPECT_FALSE(result.verified());
      EXPECT_NE(result.error.find(broken.says), std::string::npos) << name_of(broken.fault) << ": " << result.error;
    }
  }
}

TEST(Load, AnotherConnectionsBytesAreWrongBytes) {
  // The table's starts differ, so an echo that goes to the wrong connection can't match.
  const Pattern pattern(7);
  for (std::size_t other = 1; other < 64; ++other) EXPECT_NE(pattern.start_of(0), pattern.start_of(other));
  EXPECT_NE(Pattern(8).start_of(0), pattern.start_of(0));
}

TEST(Load, PipelinedDropIsSeenInTheBytes) {
  TestServer server(Fault::Drop);
  LoadOptions options = options_for(server, 64, 16);
  options.warmup = 10s;
  options.patience = 10s;
  EXPECT_NE(run_load(options).error.find("came back as"), std::string::npos);
}

TEST(Load, NobodyListening) {
  LoadOptions options;
  {
    TestServer gone(Fault::None);
    options.endpoint = loopback_endpoint(gone.port());
  }
  EXPECT_NE(run_load(options).error.find("is the server running?"), std::string::npos);
}

TEST(Load, CancelEndsARun) {
  TestServer server(Fault::None);
  std::atomic<bool> cancel = true;
  LoadOptions options = options_for(server);
  options.duration = 1h;
  options.cancel = &cancel;
  const LoadResult result = run_load(options);
  EXPECT_TRUE(result.cancelled);
  EXPECT_FALSE(result.verified());
}

TEST(Load, MoreConnectionsThanDescriptorsIsRefusedBeforeItStarts) {
  LoadOptions options;
  options.conns = std::size_t{1} << 40;
  EXPECT_THROW((void)run_load(options), std::runtime_error);
}

TEST(Endpoint, OnlyLoopback) {
  EXPECT_EQ(to_string(parse_loopback_endpoint("127.0.0.1:80")), "127.0.0.1:80");
  EXPECT_EQ(to_string(parse_loopback_endpoint("localhost:65535")), "127.0.0.1:65535");
  EXPECT_EQ(to_string(parse_loopback_endpoint("127.9.9.9:1")), "127.9.9.9:1");
  for (const char* bad : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:8x", "10.0.0.1:80",
                          "example.org:80", "0.0.0.0:80"})
    EXPECT_THROW((void)parse_loopback_endpoint(bad), std::invalid_argument) << bad;
}

}  // namespace
}  // namespace reactorlab::load
