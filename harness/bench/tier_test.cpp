#include "harness/bench/tier.hpp"
#include "harness/bench/progress.hpp"
#include "harness/bench/usage.hpp"
#include "harness/measure/signs.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace reactorlab::bench {
namespace {

using namespace std::chrono_literals;

TEST(ChooseCells, TierUnlessAParameterIsGiven) {
  const Tier& quick = find_tier("quick");
  EXPECT_EQ(choose_cells(quick, {}), quick.cells);
  const auto given = choose_cells(quick, {.workload_regex = "echo", .conns = {2, 3}, .pipeline = {4}});
  ASSERT_EQ(given.size(), 2U);
  EXPECT_EQ(given[1].params, (Params{{"conns", 3}, {"payload", 64}, {"pipeline", 4}}));
  EXPECT_EQ(describe(given[1]), "tcp_echo: 3 conns, 64 B, pipeline 4");
}

TEST(ChooseCells, WhatATierLeavesOutIsKnown) {
  EXPECT_TRUE(left_out(find_tier("standard").cells).empty());
  EXPECT_FALSE(left_out(find_tier("smoke").cells).empty());
  EXPECT_EQ(left_out(find_tier("quick").cells).size() + find_tier("quick").cells.size(), find_tier("standard").cells.size());
  EXPECT_GE(find_tier("quick").rounds, static_cast<int>(measure::fewest_rounds(1 - 0.05 / 12))) << "a verdict on 13 entries";
  EXPECT_GE(find_tier("standard").rounds, 15);
}

TEST(ChooseCells, RefusesNonsense) {
  const Tier& quick = find_tier("quick");
  EXPECT_THROW((void)choose_cells(quick, {.workload_regex = "udp"}), UsageError);
  EXPECT_THROW((void)choose_cells(quick, {.workload_regex = "("}), UsageError);
  EXPECT_THROW((void)choose_cells(quick, {.conns = {0}}), UsageError);
  EXPECT_THROW((void)find_tier("quik"), UsageError);
}

TEST(ChooseCells, AParameterKeepsOnlyWorkloadsThatHaveIt) {
  const Tier& standard = find_tier("standard");
  std::set<std::string> names;
  for (const Cell& cell : choose_cells(standard, {.payload = {128}})) {
    names.insert(cell.workload);
    EXPECT_EQ(cell.params.at("payload"), 128U);
  }
  std::set<std::string> having;
  for (const Workload& workload : workloads())
    if (workload.usual.contains("payload")) having.insert(workload.name);
  EXPECT_EQ(names, having);
  EXPECT_TRUE(names.contains("tcp_echo") && names.contains("accept_churn") && !names.contains("idle_memory"));
  const auto churn = choose_cells(standard, {.workload_regex = "churn$", .conns = {3}});
  ASSERT_EQ(churn.size(), 1U) << "reg_churn has no connections";
  EXPECT_EQ(churn.front(), (Cell{"accept_churn", {{"conns", 3}, {"payload", 64}}}));
  EXPECT_THROW((void)choose_cells(standard, {.workload_regex = "yield", .conns = {3}}), UsageError);
}

TEST(ChooseCells, SaysWhichTierHasAWorkload) {
  try {
    (void)choose_cells(find_tier("smoke"), {.workload_regex = "reg_churn"});
    FAIL() << "smoke has no reg_churn";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("--tier=standard"), std::string::npos) << error.what();
  }
}

TEST(FitToDescriptors, LowersIdleConnectionsAndSaysSo) {
  std::vector<Cell> cells = {{"idle_memory", {{"conns", 8000}}}, {"accept_churn", {{"conns", 16}, {"payload", 64}}}};
  std::vector<std::string> notes;
  fit_to_descriptors(cells, 20'000, notes);
  EXPECT_EQ(cells[0].params.at("conns"), 8000U);
  EXPECT_TRUE(notes.empty());
  fit_to_descriptors(cells, 1024, notes);
  EXPECT_EQ(cells[0].params.at("conns"), 960U);
  EXPECT_EQ(cells[1].params.at("conns"), 16U);
  ASSERT_EQ(notes.size(), 1U);
  std::vector<Cell> both = {{"active_of_idle", {{"idle", 8000}, {"conns", 64}, {"payload", 64}}}};
  fit_to_descriptors(both, 1024, notes);
  EXPECT_EQ(both[0].params.at("idle"), 896U);
  EXPECT_EQ(both[0].params.at("conns"), 64U) << "who is busy stays";
  EXPECT_NE(notes[0].find("960 idle connections instead of 8000"), std::string::npos) << notes[0];
}

std::chrono::milliseconds time_of(const Tier& tier, long entries) {
  constexpr long kControls = 4;
  std::chrono::milliseconds round{};
  for (const Cell& cell : tier.cells) round += expected_time(cell, tier.times) * entries;
  for (const Cell& cell : tier.controlled) round += expected_time(cell, tier.times) * kControls;
  return round * tier.rounds;
}

TEST(Tiers, AreAsLongAsTheyPromiseForTenEntries) {
  EXPECT_LT(time_of(find_tier("smoke"), 10), 1min);
  EXPECT_LT(time_of(find_tier("quick"), 10), 5min);
  EXPECT_LT(time_of(find_tier("standard"), 10), 60min);
}

TEST(Tiers, StandardHasEveryWorkloadAndQuickEveryKind) {
  const auto has = [](std::string_view tier, std::string_view workload) {
    const auto& cells = find_tier(tier).cells;
    return std::any_of(cells.begin(), cells.end(), [&](const Cell& cell) { return cell.workload == workload; });
  };
  for (const Workload& workload : workloads()) EXPECT_TRUE(has("standard", workload.name)) << workload.name;
  for (const char* name : {"tcp_echo", "accept_churn", "idle_memory", "spawn_join", "timer_insert_cancel", "cross_thread_wake"})
    EXPECT_TRUE(has("quick", name)) << name;
}

TEST(Progress, TimeLeftFollowsWhatTheFirstSamplesTook) {
  ProgressState state{.samples = 4, .expected = 40s};
  EXPECT_EQ(time_left(state), 40s) << "nothing is known yet";
  state.done = 1;
  state.expected_done = 10s;
  state.passed = 20s;
  EXPECT_EQ(time_left(state), 60s) << "twice as long as expected";
  state.done = 4;
  state.expected_done = 40s;
  EXPECT_EQ(time_left(state), 0s);
}

TEST(Progress, TheLineFitsTheTerminalAndHasColourOnlyWhereWanted) {
  const ProgressState state{.samples = 4, .done = 2, .expected = 40s, .expected_done = 20s, .passed = 20s};
  const std::string plain = progress_line(state, "tcp_echo  thread_local", 200, false);
  EXPECT_NE(plain.find("2/4, 20 s left  tcp_echo"), std::string::npos) << plain;
  EXPECT_EQ(plain.find('\033'), std::string::npos);
  EXPECT_NE(progress_line(state, "x", 200, true).find('\033'), std::string::npos);
  EXPECT_EQ(progress_line(state, std::string(300, 'x'), 80, false).size(), 79U);
  EXPECT_LE(progress_line(state, "x", 10, true).size(), 9U);
}

}  // namespace
}  // namespace reactorlab::bench
