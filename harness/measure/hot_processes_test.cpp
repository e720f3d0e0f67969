#include "harness/measure/hot_processes.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::measure {
namespace {

TEST(HotProcesses, AStatLineIsReadWhateverTheNameIs) {
  const auto process =
      parse_process_stat("4711 (a (nasty) name) R 1 4711 4711 0 -1 4194560 100 200 0 0 70 30 5 5 20 0 1 0 12345 1000 20 0 0");
  ASSERT_TRUE(process.has_value());
  EXPECT_EQ(process->name, "a (nasty) name");
  EXPECT_EQ(process->ticks, 100U) << "user and kernel, not that of its children";
  EXPECT_EQ(process->started, 12345U);
  EXPECT_FALSE(parse_process_stat("").has_value());
  EXPECT_FALSE(parse_process_stat("4711 (cut").has_value());
  EXPECT_FALSE(parse_process_stat("4711 (short) R 1 2 3").has_value());
}

TEST(HotProcesses, AreThoseThatUsedMuchInBetween) {
  const ProcessTable before = {{{1, {"idle", 50'000, 1}}, {2, {"busy", 10, 1}}, {3, {"gone", 10, 1}}, {4, {"reused", 900, 1}}},
                               100'000};
  const ProcessTable after = {{{1, {"idle", 50'001, 1}}, {2, {"busy", 108, 1}}, {4, {"young", 15, 7}}, {9, {"bench", 90, 1}}},
                              100'000 + 1 + 98 + 15 + 90};
  const auto hot = hot_between(before, after, 100, {9});
  ASSERT_EQ(hot.size(), 2U) << describe(hot);
  EXPECT_EQ(hot[0].pid, 2);
  EXPECT_NEAR(hot[0].share, 0.98, 1e-9);
  EXPECT_EQ(hot[1].name, "young") << "another process with the number of one that ended";
  EXPECT_EQ(describe(hot), "busy (pid 2) takes 98 % of a CPU, young (pid 4) 15 %");
  EXPECT_EQ(describe({}), "");
}

TEST(HotProcesses, WhatNobodyIsSeenToUseIsSaidToo) {
  const ProcessTable before = {{{1, {"init", 5, 1}}}, 1'000}, after = {{{1, {"init", 5, 1}}}, 1'150};
  const auto hot = hot_between(before, after, 100, {});
  ASSERT_EQ(hot.size(), 1U);
  EXPECT_EQ(hot[0].pid, 0);
  EXPECT_NEAR(hot[0].share, 1.5, 1e-9) << "of two CPUs";
  EXPECT_TRUE(hot_between(before, {after.processes, 1'020}, 100, {}).empty()) << "rounding";
  EXPECT_TRUE(hot_between({before.processes, std::nullopt}, after, 100, {}).empty()) << "no /proc/stat";
}

TEST(HotProcesses, TheTableHoldsThisProcess) {
  const ProcessTable table = read_process_table();
  ASSERT_TRUE(table.processes.contains(::getpid()));
  EXPECT_EQ(table.processes.at(::getpid()).name, "harness_tests");
}

}  // namespace
}  // namespace reactorlab::measure
