#include "harness/load/lockstep.hpp"
#include "harness/load/endpoint.hpp"
#include "harness/load/test_server.hpp"

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace reactorlab::load {
namespace {

TEST(Lockstep, EveryMessageOfEveryTurnComesBack) {
  TestServer server(Fault::None);
  Lockstep lockstep({.endpoint = loopback_endpoint(server.port()), .conns = 3, .payload = 1000});
  lockstep.play(5);
  EXPECT_EQ(server.bytes_echoed(), 3U * 5 * 1000);
  lockstep.play(1);
  EXPECT_EQ(server.bytes_echoed(), 3U * 6 * 1000);
}

std::string error_with(Fault fault) {
  TestServer server(fault);
  try {
    Lockstep({.endpoint = loopback_endpoint(server.port()), .conns = 4, .payload = 64}).play(100);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(Lockstep, AWrongEchoIsSeen) {
  EXPECT_NE(error_with(Fault::Corrupt).find("wrong echo"), std::string::npos);
  EXPECT_NE(error_with(Fault::Duplicate).find("wrong echo"), std::string::npos);
  EXPECT_NE(error_with(Fault::Close), "");
}

TEST(Lockstep, RefusesWhatCannotBe) {
  TestServer server(Fault::None);
  EXPECT_THROW(Lockstep({.endpoint = loopback_endpoint(server.port()), .payload = 0}), std::invalid_argument);
  EXPECT_THROW(Lockstep({.endpoint = loopback_endpoint(server.port()), .payload = Pattern::kRun + 1}), std::invalid_argument);
}

}  // namespace
}  // namespace reactorlab::load
