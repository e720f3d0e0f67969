// Loads with more connections than are busy.
#include "harness/load/endpoint.hpp"
#include "harness/load/load.hpp"
#include "harness/load/test_server.hpp"

#include <atomic>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace reactorlab::load {
namespace {

using namespace std::chrono_literals;

LoadOptions options_for(const TestServer& server) {
  LoadOptions options;
  options.endpoint = loopback_endpoint(server.port());
  options.conns = 4;
  options.idle = 40;
  options.rate = 2000;
  options.warmup = 2ms;
  options.duration = 10ms;
  return options;
}

TEST(Active, IdleConnectionsHaveOneMessageAndStay) {
  TestServer server(Fault::None);
  LoadOptions options = options_for(server);
  std::uint64_t at_open = 0, at_close = 0;
  options.on_window_open = [&] { at_open = server.bytes_echoed(); };
  options.on_window_close = [&] { at_close = server.bytes_echoed(); };
  const LoadResult result = run_active(options);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(server.connections(), options.conns + options.idle) << "all at once, none twice";
  EXPECT_EQ(at_close - at_open, result.ops * options.payload) << "the window holds messages of the busy ones only";
  EXPECT_GE(result.messages_total, result.ops + options.conns + options.idle);
  EXPECT_EQ(result.latency.count(), result.ops);
}

TEST(Heartbeat, HasAsManyMessagesAsItsTimeHasRoomFor) {
  TestServer server(Fault::None);
  LoadOptions options = options_for(server);
  const LoadResult result = run_heartbeat(options);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.ops, 20U) << "10 ms at 2000/s, however late they are";
  EXPECT_EQ(result.messages_total, options.conns + 4 + 20);
  EXPECT_EQ(result.bytes_verified, result.messages_total * options.payload);
  options.rate = 0;
  EXPECT_THROW((void)run_heartbeat(options), std::invalid_argument);
}

TEST(ManyConnections, WrongAnswersAndCancellingEndTheRun) {
  for (const auto run : {&run_active, &run_heartbeat}) {
    TestServer broken(Fault::Corrupt);
    LoadOptions options = options_for(broken);
    options.duration = 1h;
    options.rate = 1e6;
    EXPECT_NE(run(options).error.find("came back as"), std::string::npos);

    TestServer server(Fault::None);
    const std::atomic<bool> cancel = true;
    options = options_for(server);
    options.duration = 1h;
    options.cancel = &cancel;
    EXPECT_TRUE(run(options).cancelled);
  }
}

}  // namespace
}  // namespace reactorlab::load
