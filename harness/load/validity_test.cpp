#include "harness/load/validity.hpp"
#include "harness/load/simulated_server.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace reactorlab::load {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kWarmup = kSecond / 10;

/// What a generator with nothing to do for 70 % of the time made of a simulated server (10 us a message).
OpenLoadResult result_at(double rate, Arrivals arrivals = Arrivals::Poisson, std::uint64_t lag = 0) {
  OpenLoadResult result;
  result.tally = open_loop_on(SimulatedServer(10'000), schedule_of(arrivals, rate, kWarmup + kSecond, 1), 16,
                              {kWarmup, kWarmup + kSecond}, lag);
  result.window_ns = result.wall_ns = result.cpu_ns = kSecond;
  result.tally.busy_ns = 0.3 * kSecond;
  return result;
}

std::set<std::string> failed(const OpenLoadResult& result) {
  std::set<std::string> names;
  for (const Gate& gate : validity_gates(result))
    if (!gate.passed) names.emplace(gate.name);
  return names;
}

const Gate& gate_of(const std::vector<Gate>& gates, std::string_view name) {
  for (const Gate& gate : gates)
    if (gate.name == name) return gate;
  throw std::out_of_range(std::string(name));
}

using Names = std::set<std::string>;

TEST(Validity, ASoundRunPassesEveryGateAndSaysItsNumbers) {
  for (const double rate : {100.0, 10'000.0, 50'000.0, 80'000.0}) {
    const OpenLoadResult result = result_at(rate);
    const auto gates = validity_gates(result);
    EXPECT_EQ(failed(result), Names{}) << rate;
    EXPECT_TRUE(all_passed(gates));
    EXPECT_EQ(gates.size(), 5U);
    for (const Gate& gate : gates) EXPECT_NE(gate.text.find_first_of("0123456789"), std::string::npos) << gate.name;
  }
  EXPECT_NEAR(gate_of(validity_gates(result_at(10'000)), "headroom").value, 0.3, 1e-9);
}

TEST(Validity, AServerBeyondItsCapacityFailsRateAndLittlesLaw) {
  const OpenLoadResult result = result_at(125'000);  // 100,000/s is all that it can
  const auto gates = validity_gates(result);
  EXPECT_EQ(failed(result), (Names{"rate", "littles_law"}));
  EXPECT_NEAR(gate_of(gates, "rate").value, 0.8, 0.01);
  EXPECT_NE(gate_of(gates, "rate").text.find("saturated: latencies describe a growing queue"), std::string::npos);
}

TEST(Validity, TheRateMayMissByAHundredth) {
  OpenLoadResult result = result_at(10'000, Arrivals::Constant);
  result.tally.achieved = 9'900;
  EXPECT_EQ(failed(result), Names{});
  result.tally.achieved = 9'899;
  EXPECT_EQ(failed(result), Names{"rate"});
}

TEST(Validity, ABusyGeneratorFailsHeadroom) {
  OpenLoadResult result = result_at(10'000);
  result.tally.busy_ns = 0.8 * kSecond;
  EXPECT_EQ(failed(result), Names{});
  result.tally.busy_ns += 1000;
  EXPECT_EQ(failed(result), Names{"headroom"});
}

TEST(Validity, ALateGeneratorFailsSendLag) {
  EXPECT_EQ(failed(result_at(10'000, Arrivals::Constant, 19'900)), Names{});
  EXPECT_EQ(failed(result_at(10'000, Arrivals::Constant, 30'000)), Names{"send_lag"});
}

TEST(Validity, SendLagIsMeasuredAgainstWhatUsersWait) {
  OpenLoadResult result = result_at(10'000, Arrivals::Constant, 30'000);
  for (int i = 0; i < 20'000; ++i) result.tally.response.record(400'000);
  const auto gates = validity_gates(result);
  EXPECT_TRUE(gate_of(gates, "send_lag").passed) << gate_of(gates, "send_lag").text;
}

TEST(Validity, StampsThatDisagreeWithTheCountFailLittlesLaw) {
  OpenLoadResult result = result_at(50'000);
  const double in_flight = result.tally.mean_in_flight;
  for (const double factor : {0.96, 1.04}) {
    result.tally.mean_in_flight = in_flight * factor;
    EXPECT_EQ(failed(result), Names{}) << factor;
  }
  for (const double factor : {0.0, 0.9, 1.1}) {
    result.tally.mean_in_flight = in_flight * factor;
    EXPECT_EQ(failed(result), Names{"littles_law"}) << factor;
  }
}

TEST(Validity, AnUnansweredMessageOrAnErrorFailsAnswers) {
  OpenLoadResult result = result_at(10'000);
  result.tally.unanswered = 1;
  EXPECT_EQ(failed(result), Names{"answers"});
  result.tally.unanswered = 0;
  result.error = "connection 3: byte 17 came back as 0x00, sent was 0x01";
  EXPECT_EQ(failed(result), Names{"answers"});
  EXPECT_NE(gate_of(validity_gates(result), "answers").text.find("byte 17"), std::string::npos);
}

TEST(Validity, NothingMeasuredPassesNoGate) { EXPECT_EQ(failed(OpenLoadResult()).size(), 5U); }

}  // namespace
}  // namespace reactorlab::load
