#include "harness/bench/progress.hpp"
#include "harness/bench/standing.hpp"

#include <cstdlib>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reactorlab::bench {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

TEST(Progress, NoColorIsHonoured) {
  ::unsetenv("NO_COLOR");
  EXPECT_TRUE(color_wanted(true));
  EXPECT_FALSE(color_wanted(false)) << "no terminal";
  ::setenv("NO_COLOR", "", 1);
  EXPECT_TRUE(color_wanted(true)) << "empty is as if unset";
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(color_wanted(true));
  ::unsetenv("NO_COLOR");
}

TEST(Progress, WithoutATerminalItIsAPlainLineForEachRound) {
  testing::internal::CaptureStderr();
  {
    Progress progress(4, 40s);
    for (std::size_t round = 0; round < 2; ++round)
      for (int i = 0; i < 2; ++i) {
        progress.starts("arc_mutex 1.018 ±0.009  tcp_echo", round, 2);
        progress.done(10s);
      }
    progress.note("void: x");
    progress.finish();
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, testing::MatchesRegex("bench: round 1 of 2, 40 s left\nbench: round 2 of 2, [0-9]+ s left\nbench: void: x\n"));
}

TEST(Progress, DroppedSamplesAreNoWorkLeft) {
  testing::internal::CaptureStderr();
  Progress progress(4, 40s);
  progress.drop(2, 20s);
  progress.starts("x", 0, 2);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("20 s left"));
}

TEST(Progress, ALineIsCutBetweenCharacters) {
  const ProgressState state{.samples = 1};
  const std::string what(300, 'x');
  const std::string whole = progress_line(state, "±" + what, 400, false);
  const std::size_t place = whole.find("±");
  EXPECT_EQ(progress_line(state, "±" + what, place + 1, false), whole.substr(0, place)) << "the sign doesn't fit";
  EXPECT_EQ(progress_line(state, "±" + what, place + 2, false), whole.substr(0, place + 2)) << "two bytes in one column";
}

Sample sample(const std::string& impl, std::size_t round, std::uint64_t cost) {
  Sample s;
  s.impl = impl;
  s.cell = {"tcp_echo", {{"conns", 64}, {"payload", 64}, {"pipeline", 1}}};
  s.round = round;
  s.ops = 1;
  s.wall_ns = 1;
  s.server_cpu_ns = cost;
  return s;
}

TEST(Standing, IsTheRatioOfTheRoundsSoFar) {
  std::vector<Sample> samples;
  for (std::size_t round = 0; round < 6; ++round) {
    samples.push_back(sample("raw_epoll", round, 1000));
    if (round < 5) samples.push_back(sample("arc_mutex", round, 1190 + 5 * round));
  }
  EXPECT_EQ(standing_text(samples, "arc_mutex"), "arc_mutex 1.200") << "five rounds have no interval";
  samples.push_back(sample("arc_mutex", 5, 1215));
  EXPECT_EQ(standing_text(samples, "arc_mutex"), "arc_mutex 1.202 ±0.013");
  EXPECT_EQ(standing_text(samples, "raw_epoll"), "raw_epoll") << "the baseline stands nowhere";
  EXPECT_EQ(standing_text(samples, "libuv"), "libuv") << "not measured yet";
  EXPECT_EQ(standing_text({}, "libuv"), "libuv");
}

}  // namespace
}  // namespace reactorlab::bench
