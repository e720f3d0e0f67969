#include "harness/bench/gate.hpp"

#include "harness/bench/usage.hpp"

#include <string>

#include <gtest/gtest.h>

namespace reactorlab::bench {
namespace {

TEST(ParseGate, TakesAMetricARelationAndARatio) {
  const Gate gate = parse_gate("cpu_ns_per_op<=1.03");
  EXPECT_EQ(gate.figure->name, "cpu_ns_per_op");
  EXPECT_DOUBLE_EQ(gate.limit, 1.03);
  EXPECT_EQ(gate.text, "cpu_ns_per_op<=1.03");
  EXPECT_DOUBLE_EQ(parse_gate(" p99_ns <= 2 ").limit, 2);
  EXPECT_EQ(parse_gate("ops_per_s>=0.97").figure->name, "ops_per_s");
  for (const Figure& figure : figures()) {
    const bool lower = figure.direction == measure::Direction::LowerIsFaster;
    EXPECT_EQ(parse_gate(std::string(figure.name) + (lower ? "<=1" : ">=1")).figure, &figure);
  }
}

std::string error_of(const std::string& text) {
  try {
    (void)parse_gate(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(ParseGate, SaysWhatIsWrongAndWhatToWrite) {
  EXPECT_NE(error_of("cpu_ns_per_opp<=1.03").find("did you mean 'cpu_ns_per_op'?"), std::string::npos);
  EXPECT_NE(error_of("cpu_ns_per_opp<=1.03").find("p999_ns"), std::string::npos) << "all of them are named";
  EXPECT_NE(error_of("ops_per_s<=1.03").find("more ops_per_s is better, so its limit is >=RATIO"), std::string::npos);
  EXPECT_NE(error_of("p50_ns>=0.9").find("so its limit is <=RATIO"), std::string::npos);
  for (const char* text :
       {"", "cpu_ns_per_op", "cpu_ns_per_op<1.03", "cpu_ns_per_op=1.03", "cpu_ns_per_op<=", "cpu_ns_per_op<=0", "cpu_ns_per_op<=-1",
        "cpu_ns_per_op<=1.03x", "cpu_ns_per_op<=nan", "cpu_ns_per_op<=inf", "cpu_ns_per_op<=1,03", "cpu_ns_per_op<==1.03"})
    EXPECT_NE(error_of(text).find("write METRIC<=RATIO"), std::string::npos) << text << ": " << error_of(text);
  EXPECT_NE(error_of("<=1.03").find("unknown metric"), std::string::npos);
}

measure::Ratio ratio(double low, double high) { return {(low + high) / 2, measure::Interval{low, high, 0.95}, 9}; }

TEST(GateResult, FollowsTheWholeInterval) {
  const Gate cost = parse_gate("cpu_ns_per_op<=1.03"), rate = parse_gate("ops_per_s>=0.97");
  EXPECT_EQ(result_of(cost, ratio(1.00, 1.03)), GateResult::Pass);
  EXPECT_EQ(result_of(cost, ratio(0.50, 0.60)), GateResult::Pass) << "better passes";
  EXPECT_EQ(result_of(cost, ratio(1.02, 1.04)), GateResult::Inconclusive);
  EXPECT_EQ(result_of(cost, ratio(1.031, 1.04)), GateResult::Regression);
  EXPECT_EQ(result_of(cost, {1.5, std::nullopt, 5}), GateResult::Inconclusive);
  EXPECT_EQ(result_of(rate, ratio(0.97, 1.10)), GateResult::Pass);
  EXPECT_EQ(result_of(rate, ratio(0.96, 0.98)), GateResult::Inconclusive);
  EXPECT_EQ(result_of(rate, ratio(0.90, 0.96)), GateResult::Regression);
}

}  // namespace
}  // namespace reactorlab::bench
