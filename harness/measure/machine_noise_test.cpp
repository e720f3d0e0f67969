#include "harness/measure/machine_noise.hpp"

#include "harness/measure/canary.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::measure {
namespace {

constexpr const char* kSnmp =
    "Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: RtoAlgorithm MaxConn RetransSegs InErrs\nTcp: 1 -1 45343 0\nUdp: InDatagrams\nUdp: "
    "7\n";
constexpr const char* kNetstat =
    "TcpExt: SyncookiesSent ListenDrops TCPTimeouts\nTcpExt: 0 3 11\nIpExt: InNoRoutes ListenDrops\nIpExt: 0 99\n";

TEST(TcpTrouble, IsFoundByNameInItsTable) {
  EXPECT_EQ(tcp_trouble_in(kSnmp, kNetstat), (TcpTrouble{.retransmits = 45343, .timeouts = 11, .listen_drops = 3}));
}

TEST(TcpTrouble, IsUnknownWhereACounterIsMissing) {
  EXPECT_FALSE(tcp_trouble_in(kSnmp, "").has_value());
  EXPECT_FALSE(tcp_trouble_in("Tcp: MaxConn\nTcp: -1\n", kNetstat).has_value());
  EXPECT_FALSE(tcp_trouble_in("", "").has_value());
}

TEST(TcpTrouble, OfASpanIsTheDifference) {
  EXPECT_EQ(since({1, 2, 3}, {5, 2, 10}), (TcpTrouble{.retransmits = 4, .timeouts = 0, .listen_drops = 7}));
}

TEST(OtherProcesses, UsedWhatTheirAccountsGained) {
  EXPECT_EQ(cpu_used({{1, 100}, {2, 50}}, {{1, 130}, {2, 50}}), 30U);
  EXPECT_EQ(cpu_used({{1, 100}}, {{1, 100}, {3, 40}}), 40U) << "one that is new";
  EXPECT_EQ(cpu_used({{1, 100}, {2, 50}}, {{1, 101}}), 1U) << "one that has ended";
  EXPECT_EQ(cpu_used({{1, 100}}, {{1, 60}}), 0U) << "one of whose threads ended";
}

TEST(OtherProcesses, AreNotThisOne) {
  const auto processes = read_other_processes();
  if (!processes) GTEST_SKIP() << "this kernel has no schedstat";
  EXPECT_FALSE(processes->contains(::getpid()));
}

TEST(CpuPressure, OnlyGrows) {
  const auto before = read_cpu_pressure_ns(), after = read_cpu_pressure_ns();
  if (!before) GTEST_SKIP() << "this kernel has no /proc/pressure/cpu";
  EXPECT_GE(*after, *before);
}

TEST(CanaryLoop, CountsTheFastestOfEqualRuns) {
  const Canary canary = run_canary(std::nullopt);
  EXPECT_GT(canary.fastest_ns, 0U);
  EXPECT_GE(canary.cpu_ns, 3 * canary.fastest_ns);
}

}  // namespace
}  // namespace reactorlab::measure
