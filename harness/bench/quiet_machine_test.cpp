#include "harness/bench/quiet_machine.hpp"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reactorlab::bench {
namespace {

using testing::HasSubstr;

const std::vector<measure::HotProcess> kHog = {{4711, "stress", 0.98}};

RunPlan plan_of(const char* tier) {
  RunPlan plan;
  plan.tier = tier;
  return plan;
}

TEST(QuietMachine, APublishedRunIsRefusedBesideAHotProcess) {
  std::vector<std::string> notes;
  try {
    require_quiet(plan_of("standard"), kHog, false, notes);
    FAIL() << "it began";
  } catch (const std::runtime_error& error) {
    for (const char* part : {"stress", "pid 4711", "98 %", "Stop that", "--accept-noise"})
      EXPECT_THAT(error.what(), HasSubstr(part));
  }
  EXPECT_TRUE(notes.empty());
}

TEST(QuietMachine, OtherwiseItIsAWarning) {
  std::vector<std::string> notes;
  require_quiet(plan_of("standard"), kHog, true, notes);
  require_quiet(plan_of("quick"), kHog, false, notes);
  ASSERT_EQ(notes.size(), 2U);
  for (const std::string& note : notes) EXPECT_THAT(note, HasSubstr("stress (pid 4711) takes 98 % of a CPU"));
  require_quiet(plan_of("standard"), {}, false, notes);
  EXPECT_EQ(notes.size(), 2U) << "nobody is hot";
}

TEST(QuietMachine, TheResultsSayHowMuchAndNotWho) {
  EXPECT_EQ(to_json(kHog), (nlohmann::json{{"processes", 1}, {"cpus", 0.98}}));
  EXPECT_EQ(to_json(std::vector<measure::HotProcess>{}).at("processes"), 0);
}

}  // namespace
}  // namespace reactorlab::bench
