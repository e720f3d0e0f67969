// The cost model on made-up primitives and counts, whose sums can be checked by hand.
#include "harness/bench/cost_model.hpp"

#include "harness/bench/explanation_text.hpp"
#include "harness/primitives/catalogue.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reactorlab::bench {
namespace {

using nlohmann::json;
using primitives::PrimitiveTable;
using testing::HasSubstr;

/// Round figures, CPU time of the wakes beside the time that passes.
PrimitiveTable table() {
  return {.machine = {},
          .measured_at = {},
          .primitives = {{.name = "syscall", .median_ns = 100},
                         {.name = "clock_gettime", .median_ns = 20},
                         {.name = "epoll_wait_ready", .median_ns = 200},
                         {.name = "epoll_ctl_add", .median_ns = 800},
                         {.name = "epoll_ctl_del", .median_ns = 400},
                         {.name = "eventfd_write", .median_ns = 150},
                         {.name = "eventfd_read", .median_ns = 160},
                         {.name = "io_uring_enter", .not_measured = "this kernel has none"},
                         {.name = "futex_wake", .median_ns = 170},
                         {.name = "tcp_send", .median_ns = 3000},
                         {.name = "tcp_receive", .median_ns = 500},
                         {.name = "mutex", .median_ns = 10},
                         {.name = "mutex_contended", .median_ns = 90, .cpu_ns = 60},
                         {.name = "atomic_rmw", .median_ns = 5},
                         {.name = "atomic_rmw_bounce", .median_ns = 50},
                         {.name = "malloc_free", .median_ns = 30},
                         {.name = "thread_switch", .median_ns = 1000},
                         {.name = "futex_wake_same_cpu", .median_ns = 2000, .cpu_ns = 2100},
                         {.name = "futex_wake_idle_cpu", .median_ns = 30000, .cpu_ns = 20000},
                         {.name = "eventfd_wake_same_cpu", .median_ns = 2500, .cpu_ns = 2600},
                         {.name = "eventfd_wake_idle_cpu", .median_ns = 32000, .cpu_ns = 22000},
                         {.name = "epoll_wait_blocked", .median_ns = 30000, .cpu_ns = 5200}}};
}

OperationCounts counts(const std::vector<std::pair<std::string, double>>& values) {
  OperationCounts all;
  for (const auto& [name, value] : values) all.set(name, value);
  return all;
}

const Term& term_named(const Prediction& prediction, const std::string& name) {
  const auto found =
      std::find_if(prediction.terms.begin(), prediction.terms.end(), [&](const Term& term) { return term.name == name; });
  if (found == prediction.terms.end()) throw std::out_of_range("no term " + name);
  return *found;
}

const Setting kServer = {.wakes = Wakes::FromOutside};
const Setting kInside = {.wakes = Wakes::SameCpu};
const Setting kForeign = {.wakes = Wakes::OtherCpu};

TEST(CostModel, MultipliesCountsWithPrices) {
  const auto prediction =
      predict({counts({{"recv", 1}, {"send", 1}, {"epoll_wait", 0.5}}), counts({{"recv", 1}, {"send", 2}})}, kServer, table());
  EXPECT_DOUBLE_EQ(*prediction.cost_ns[0], 500 + 3000 + 0.5 * 200);
  EXPECT_DOUBLE_EQ(*prediction.cost_ns[1], 500 + 2 * 3000);
  EXPECT_DOUBLE_EQ(*prediction.difference_ns, -3000) << "only one of them counts its waits, so they aren't compared";
  EXPECT_FALSE(term_named(prediction, "wait in epoll").compared());
}

TEST(CostModel, EveryPriceIsAPrimitiveThatIsMeasured) {
  for (const std::string& name : priced_primitives())
    EXPECT_TRUE(std::any_of(primitives::catalogue().begin(), primitives::catalogue().end(), [&](const auto& known) {
      return known.name == name;
    })) << name;
  EXPECT_GE(priced_primitives().size(), 20U);
}

TEST(CostModel, AHomesTurnIsItsWait) {
  const auto prediction = predict({counts({{"turns", 0.25}, {"epoll_wait", 9}}), counts({{"epoll_wait", 0.5}})}, kServer, table());
  EXPECT_DOUBLE_EQ(*prediction.difference_ns, -0.25 * 200) << "and isn't counted twice";
}

TEST(CostModel, SwitchesAreSplitByWhoWakes) {
  const OperationCounts a = counts({{"voluntary_switches", 3}, {"worker_parks", 1}, {"kicks", 0.5}});
  const auto prediction = predict({a, a}, kServer, table());
  EXPECT_DOUBLE_EQ(*term_named(prediction, "park and wake of a worker").cost_ns(0), 2100) << "the server's threads share a CPU";
  EXPECT_DOUBLE_EQ(*term_named(prediction, "kick").cost_ns(0), 0.5 * (2600 - 200)) << "its wait is counted by itself";
  EXPECT_DOUBLE_EQ(*term_named(prediction, "block in the kernel").cost_ns(0), 1.5 * (5200 - 200))
      << "woken by packets: its own part";
  const auto inside = predict({a, a}, kInside, table());
  EXPECT_DOUBLE_EQ(*term_named(inside, "block in the kernel").cost_ns(0), 1.5 * (2600 - 200 - 150));
  const auto foreign = predict({a, a}, kForeign, table());
  EXPECT_DOUBLE_EQ(*term_named(foreign, "park and wake of a worker").cost_ns(0), 20000);
  EXPECT_DOUBLE_EQ(*term_named(foreign, "block in the kernel").cost_ns(0), 1.5 * (22000 - 200 - 150));
}

TEST(CostModel, WhoDoesNotSplitItsSwitchesHasThemAllAsBlocks) {
  const auto prediction =
      predict({counts({{"voluntary_switches", 2}, {"worker_parks", 1}}), counts({{"voluntary_switches", 1}})}, kServer, table());
  EXPECT_DOUBLE_EQ(*prediction.difference_ns, 2100) << "each blocks once, and one of them parks besides";
  EXPECT_FALSE(term_named(predict({counts({{"turns", 1}}), counts({{"turns", 1}})}, kServer, table()), "kick").compared())
      << "without switches nobody knows";
}

TEST(CostModel, LocksAreContendedOrNot) {
  const auto prediction = predict(
      {counts({{"lock_acquisitions", 4}, {"lock_contentions", 1}}), counts({{"lock_acquisitions", 0}, {"lock_contentions", 0}})},
      kServer, table());
  EXPECT_DOUBLE_EQ(*prediction.difference_ns, 3 * 10 + 60) << "CPU time, not the time that passes";
}

TEST(CostModel, ElapsedTimeTakesElapsedTime) {
  Setting wall = kForeign;
  wall.cpu_time = false;
  const auto prediction =
      predict({counts({{"voluntary_switches", 1}, {"worker_parks", 1}}), counts({{"voluntary_switches", 0}, {"worker_parks", 0}})},
              wall, table());
  EXPECT_DOUBLE_EQ(*prediction.difference_ns, 30000);
}

TEST(CostModel, WritesOfAHomeInsideAreKicksFirst) {
  const OperationCounts a = counts({{"write", 1.5}, {"read", 1}, {"kicks", 0.5}, {"voluntary_switches", 0.5}});
  const auto inside = predict({a, a}, kInside, table());
  EXPECT_DOUBLE_EQ(*term_named(inside, "write").cost_ns(0), 150);
  EXPECT_DOUBLE_EQ(*term_named(inside, "read").cost_ns(0), 160) << "an eventfd's, where there is no socket";
  EXPECT_DOUBLE_EQ(*term_named(predict({a, a}, kServer, table()), "send").cost_ns(0), 3000) << "libuv sends by write";
}

TEST(CostModel, OtherCallsAreWhatHasNoPriceOfItsOwn) {
  OperationCounts a = counts({{"syscalls", 9.5}, {"recv", 2}, {"send", 1}, {"epoll_wait", 2.5}, {"epoll_ctl", 1}, {"close", 1}});
  const auto prediction = predict({a, a}, kServer, table());
  EXPECT_DOUBLE_EQ(*term_named(prediction, "other system call").cost_ns(0), 3 * 100);
  EXPECT_DOUBLE_EQ(*term_named(prediction, "epoll_ctl").cost_ns(0), 600) << "half of ADD and DEL each";
}

TEST(CostModel, WhatHasNoPriceIsLeftOutWithTheReason) {
  const auto prediction =
      predict({counts({{"io_uring_enter", 1}, {"turns", 1}}), counts({{"io_uring_enter", 0}, {"turns", 1}})}, kServer, table());
  const Term& ring = term_named(prediction, "io_uring_enter");
  EXPECT_EQ(ring.cost_ns(0), std::nullopt);
  EXPECT_EQ(ring.cost_ns(1), 0) << "none of them cost nothing, whatever the price";
  EXPECT_THAT(ring.no_price, HasSubstr("this kernel has none"));
  EXPECT_DOUBLE_EQ(*prediction.difference_ns, 0);
  PrimitiveTable short_table = table();
  short_table.primitives.erase(short_table.primitives.begin() + 2);
  EXPECT_THAT(term_named(predict({counts({{"turns", 1}}), counts({{"turns", 1}})}, kServer, short_table), "wait in epoll").no_price,
              HasSubstr("the file has no epoll_wait_ready"));
  Setting udp = kServer;
  udp.tcp = false;
  EXPECT_THAT(term_named(predict({counts({{"recv", 1}}), counts({{"recv", 1}})}, udp, table()), "receive").no_price,
              HasSubstr("no primitive"));
}

TEST(CostModel, NoCommonCountIsNoPrediction) {
  const auto prediction = predict({counts({{"turns", 1}}), counts({{"allocations", 1}})}, kServer, table());
  EXPECT_EQ(prediction.difference_ns, std::nullopt);
  EXPECT_DOUBLE_EQ(*prediction.cost_ns[0], 200);
  EXPECT_DOUBLE_EQ(*prediction.cost_ns[1], 30);
  EXPECT_EQ(predict({}, kServer, table()).cost_ns[0], std::nullopt) << "n/a, not 0";
}

TEST(CostModel, APriceIsNeverNegative) {
  PrimitiveTable noisy = table();
  for (auto& one : noisy.primitives)
    if (one.name == "epoll_wait_blocked") one.cpu_ns = 100;
  const OperationCounts a = counts({{"voluntary_switches", 1}});
  EXPECT_EQ(term_named(predict({a, a}, kServer, noisy), "block in the kernel").price_ns, 0);
}

TEST(Setting, FollowsFromTheWorkload) {
  EXPECT_EQ(setting_of({"tcp_echo", {}}).wakes, Wakes::FromOutside);
  EXPECT_TRUE(setting_of({"tcp_echo", {}}).tcp);
  EXPECT_TRUE(setting_of({"tcp_echo", {}}).cpu_time);
  EXPECT_EQ(setting_of({"reg_churn", {}}).wakes, Wakes::SameCpu);
  EXPECT_EQ(setting_of({"cross_thread_wake", {}}).wakes, Wakes::OtherCpu);
  EXPECT_FALSE(setting_of({"cross_thread_wake", {}}).cpu_time) << "a round trip is about the time that passes";
}

std::vector<measure::Pair> rounds_with(const std::vector<double>& differences) {
  std::vector<measure::Pair> rounds;
  for (const double difference : differences) rounds.push_back({1000 + difference, 1000});
  return rounds;
}

TEST(Judge, TwentyFivePercentOfTheMeasuredDifference) {
  const auto measured = difference_of(rounds_with({98, 99, 100, 100, 100, 101, 102, 100, 100}));
  EXPECT_DOUBLE_EQ(measured.median_ns, 100);
  ASSERT_TRUE(measured.interval.has_value());
  EXPECT_EQ(judge(100, measured), Explained::Yes);
  EXPECT_EQ(judge(75, measured), Explained::Yes);
  EXPECT_EQ(judge(125, measured), Explained::Yes);
  EXPECT_EQ(judge(74, measured), Explained::No);
  EXPECT_EQ(judge(126, measured), Explained::No);
  EXPECT_EQ(judge(-100, measured), Explained::No);
  EXPECT_EQ(judge(-100, difference_of(rounds_with({-98, -99, -100, -100, -100, -101, -102}))), Explained::Yes);
}

TEST(Judge, ADifferenceLikeNoneIsOnlyUnexplainedByAnotherOne) {
  const auto measured = difference_of(rounds_with({-30, -20, -10, -5, 1, 5, 10, 20, 30}));
  EXPECT_EQ(judge(0, measured), Explained::NoDifference);
  EXPECT_EQ(judge(8, measured), Explained::NoDifference);
  EXPECT_EQ(judge(500, measured), Explained::No);
}

TEST(Judge, FewRoundsHaveNoIntervalAndAreJudgedByTheirMedian) {
  const auto measured = difference_of(rounds_with({90, 100, 110}));
  EXPECT_FALSE(measured.interval.has_value());
  EXPECT_EQ(judge(110, measured), Explained::Yes);
  EXPECT_EQ(judge(10, measured), Explained::No);
  EXPECT_EQ(judge(1, difference_of(rounds_with({0, 0, 0}))), Explained::No) << "no share of 0 is small";
  EXPECT_EQ(judge(0, difference_of(rounds_with({0, 0, 0}))), Explained::Yes);
}

Explanation explanation(double measured_a, double difference) {
  return {.cell = "tcp_echo: 1 conn",
          .metric = "server_cpu_ns_per_op",
          .entries = {"dedicated_thread", "thread_local"},
          .prediction = predict({counts({{"turns", 1}, {"voluntary_switches", 2}, {"worker_parks", 1}, {"lock_acquisitions", 1}}),
                                 counts({{"turns", 1}, {"voluntary_switches", 1}, {"worker_parks", 0}})},
                                kServer, table()),
          .measured_ns = {measured_a, measured_a - difference},
          .difference = difference_of(rounds_with(std::vector<double>(9, difference))),
          .judged = true};
}

TEST(ExplanationText, ShowsTermsResidualsAndVerdict) {
  const std::string text = text_of(explanation(8000, 2000));
  EXPECT_THAT(text, HasSubstr("tcp_echo: 1 conn (server_cpu_ns_per_op)"));
  EXPECT_THAT(text, HasSubstr("park and wake of a worker     2100.0"));
  EXPECT_THAT(text, HasSubstr("block in the kernel = epoll_wait_blocked - epoll_wait_ready"));
  EXPECT_THAT(text, HasSubstr("measured     8000.0 ns, predicted     7310.0 ns, residual +690.0 ns (9 %)"));
  EXPECT_THAT(text, HasSubstr("measured    +2000.0 ns [+2000.0, +2000.0], predicted +2100.0 ns, residual -100.0 ns (5 %)"));
  EXPECT_THAT(text, HasSubstr("Difference: explained"));
  EXPECT_THAT(text, HasSubstr("Left out of the difference: lock, which thread_local doesn't count"));
  EXPECT_THAT(text, HasSubstr("n/a, not counted in either: receive, send"));
}

TEST(ExplanationText, SaysWhatItCannotExplain) {
  EXPECT_THAT(text_of(explanation(80000, 9000)), HasSubstr("Difference: unexplained"));
  EXPECT_THAT(text_of(explanation(80000, 9000)), HasSubstr("(91 %, unexplained)"));
  Explanation elsewhere = explanation(8000, 2000);
  elsewhere.judged = false;
  EXPECT_EQ(verdict_of(elsewhere), std::nullopt);
  EXPECT_THAT(text_of(elsewhere), HasSubstr("not judged: the primitives are of another machine"));
  EXPECT_EQ(text_of(elsewhere).find("residual"), std::string::npos);
  EXPECT_THAT(text_of(elsewhere), HasSubstr("predicted +2100.0 ns"));
}

Sample sample_with(std::map<std::string, std::optional<double>> values) {
  Sample s;
  s.impl = "asio";
  s.cell = {"tcp_echo", {{"conns", 64}}};
  s.verified = true;
  s.ops = 1;
  s.wall_ns = 1;
  s.counts = std::move(values);
  return s;
}

TEST(OperationCounts, AreMediansOfWhatWasCounted) {
  std::vector<Sample> samples = {sample_with({{"turns", 1}, {"syscalls", std::nullopt}}), sample_with({{"turns", 3}}),
                                 sample_with({{"turns", 2}}), sample_with({{"turns", 99}})};
  samples.back().void_reason = "void";
  RowSamples row;
  for (const Sample& sample : samples) row.push_back(&sample);
  const OperationCounts counted = OperationCounts::of_row(row);
  EXPECT_EQ(counted.find("turns"), 2);
  EXPECT_EQ(counted.find("syscalls"), std::nullopt) << "null isn't 0";
  EXPECT_EQ(counted.find("send"), std::nullopt);
  EXPECT_FALSE(counted.is_joined("turns"));
}

TEST(OperationCounts, OfACompleteListWhatIsMissingIsNone) {
  const Sample sample = sample_with({{"syscalls", 2.0}, {"syscalls.read", 1.0}, {"syscalls.sendto", 1.0}});
  const OperationCounts counted = OperationCounts::of_row({&sample});
  EXPECT_EQ(counted.find("read"), 1) << "by its plain name";
  EXPECT_EQ(counted.find("epoll_ctl"), 0);
  EXPECT_EQ(counted.find("kicks"), std::nullopt) << "no system call";
}

const json kScriptFile = json::parse(R"({"schema": 1, "workload": "tcp_echo", "params": {"conns": 64}, "workers": 1, "rows": [
  {"server": "asio", "syscalls": 2.5, "allocations": 0.25, "syscalls_by_name": {"sendto": 1.0, "recvfrom": 1.0, "munmap": -0.001}}]})");

TEST(OperationCounts, TakeFromAFileWhatTheSamplesHaveNot) {
  const Sample sample = sample_with({{"turns", 1}, {"allocations", 0.5}});
  OperationCounts counted = OperationCounts::of_row({&sample});
  counted.join_file(kScriptFile, sample);
  EXPECT_EQ(counted.find("sendto"), 1);
  EXPECT_TRUE(counted.is_joined("sendto"));
  EXPECT_EQ(counted.find("munmap"), 0) << "a difference of two runs, a little below 0";
  EXPECT_EQ(counted.find("allocations"), 0.5) << "the samples' own comes first";
  EXPECT_EQ(counted.find("epoll_ctl"), 0) << "strace names all calls";
}

TEST(OperationCounts, AFileOfAnotherCellOrEntryAddsNothing) {
  Sample sample = sample_with({{"turns", 1}});
  sample.cell.params["conns"] = 1;
  OperationCounts counted = OperationCounts::of_row({&sample});
  counted.join_file(kScriptFile, sample);
  EXPECT_EQ(counted.find("sendto"), std::nullopt);
  sample.cell.params["conns"] = 64;
  sample.impl = "libuv";
  counted.join_file(kScriptFile, sample);
  EXPECT_EQ(counted.find("sendto"), std::nullopt);
  counted.join_file(json::object(), sample);
  EXPECT_EQ(counted.find("sendto"), std::nullopt);
}

TEST(OperationCounts, OneCallIsNotTakenFromTwoSources) {
  const Sample sample = sample_with({{"recv", 1}, {"send", 1}});
  OperationCounts counted = OperationCounts::of_row({&sample});
  counted.join_file(kScriptFile, sample);
  EXPECT_EQ(counted.find("recvfrom"), std::nullopt) << "it is what the samples call recv";
  EXPECT_EQ(counted.find("allocations"), 0.25);
}

TEST(OperationCounts, ReadWhatBenchCountsWrites) {
  const json file = json::parse(R"({"schema": 1, "cells": [{"workload": "tcp_echo", "params": {"conns": 64}, "entries": [
    {"impl": "asio", "counts": {"syscalls": {"value": 2.0, "low": 2.0, "high": 2.0}, "syscalls.recvmsg": {"value": 1.0},
                                "instructions": null}}]}]})");
  const Sample sample = sample_with({{"turns", 1}});
  OperationCounts counted = OperationCounts::of_row({&sample});
  counted.join_file(file, sample);
  EXPECT_EQ(counted.find("recvmsg"), 1);
  EXPECT_EQ(counted.find("syscalls"), 2);
  EXPECT_EQ(counted.find("instructions"), std::nullopt);
}

}  // namespace
}  // namespace reactorlab::bench
