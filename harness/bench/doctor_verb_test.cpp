#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reactorlab::bench {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

TEST(Doctor, SaysWhatCanBeMeasuredAndEndsByWhetherARunCanBePublished) {
  testing::internal::CaptureStdout();
  const int status = doctor_verb();
  const std::string out = testing::internal::GetCapturedStdout();
  for (const char* heading : {"Machine\n", "\nNoise\n", "\nMeasurable here, timed", "\nMeasurable here, counted", "\nPublication\n"})
    EXPECT_THAT(out, HasSubstr(heading));
  EXPECT_THAT(out, ContainsRegex("yes echoes by one generator +up to [1-9][0-9]*/s"));
  const bool refused = out.find("no  a run of the tier standard") != std::string::npos;
  EXPECT_NE(refused, out.find("yes a run of the tier standard") != std::string::npos) << out;
  EXPECT_EQ(status, refused ? kExitFailure : kExitOk);
}

}  // namespace
}  // namespace reactorlab::bench
