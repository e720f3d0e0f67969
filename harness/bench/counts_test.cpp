#include "harness/bench/brief_sample.hpp"
#include "harness/bench/count_table.hpp"
#include "harness/bench/counted_run.hpp"
#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"
#include "harness/measure/kernel_counts.hpp"

#include <filesystem>
#include <fstream>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(CountTable, TheDifferenceOfTwoRunsIsWhatAnOperationCosts) {
  const Totals once = {{"read", 1007}, {"write", 12}, {"only once", 5}}, twice = {{"read", 2007}, {"write", 11}, {"only twice", 5}};
  const auto each = per_operation(once, twice, 1000);
  EXPECT_EQ(each, (std::map<std::string, double>{{"read", 1.0}, {"write", -0.001}})) << "seven and twelve are start and end";
}

TEST(CountTable, RepetitionsThatDifferAreARange) {
  const auto ranges =
      ranges_of({{{"a", 1.0}, {"b", 2.0}, {"c", 1.0}}, {{"a", 1.0}, {"b", 4.0}}, {{"a", 1.0}, {"b", 3.0}, {"c", 1.0}}});
  EXPECT_TRUE(ranges.at("a")->same());
  EXPECT_FALSE(ranges.at("b")->same());
  EXPECT_EQ(ranges.at("b")->median, 3.0);
  EXPECT_EQ(ranges.at("b")->high, 4.0);
  EXPECT_FALSE(ranges.contains("c")) << "it wasn't counted in each";
}

CountTable small_table() {
  CountColumn counted{.entry = "raw_epoll",
                      .counts = {{"syscalls", CountRange{2.016, 2.016, 2.016}},
                                 {"syscalls.munmap", CountRange{0, 0, 1e-5}},
                                 {"wakeups", CountRange{0.5, 0.4, 0.6}}}};
  CountColumn blind{.entry = "asio", .counts = {{"syscalls", std::nullopt}}, .reasons = {{"syscalls", "be root"}}};
  CountColumn absent{.entry = "libuv", .counts = {}, .reasons = {}, .not_counted = "no such thing"};
  return {{"tcp_echo", {{"conns", 64}}}, {counted, blind, absent}};
}

TEST(CountTable, TellsZeroFromUnknown) {
  const std::string text = text_of(small_table());
  EXPECT_THAT(text, HasSubstr("per message"));
  EXPECT_THAT(text, testing::ContainsRegex("syscalls +2\\.016 +n/a +n/a"));
  EXPECT_THAT(text, testing::ContainsRegex("wakeups +~0\\.500")) << "repetitions differed";
  EXPECT_THAT(text, Not(HasSubstr("munmap"))) << "0 for everybody";
  EXPECT_THAT(text, HasSubstr("n/a: syscalls: be root (asio)"));
  EXPECT_THAT(text, HasSubstr("n/a: everything: no such thing (libuv)"));
  const auto json = to_json(small_table());
  EXPECT_TRUE(json.at("entries").at(1).at("counts").at("syscalls").is_null());
  EXPECT_EQ(json.at("entries").at(0).at("counts").at("wakeups").at("high"), 0.6);
}

TEST(CountTable, OfStoredSamplesIsTheMedianOverRounds) {
  std::vector<Sample> samples;
  for (std::size_t round = 0; round < 3; ++round) {
    Sample sample;
    sample.impl = "thread_local";
    sample.cell = {"tcp_echo", {{"conns", 64}}};
    sample.round = round;
    sample.counts = {{"kicks", 1.0 + static_cast<double>(round)}, {"syscalls", std::nullopt}};
    samples.push_back(sample);
  }
  samples.back().void_reason = "it died";
  const auto tables = stored_counts(samples);
  ASSERT_EQ(tables.size(), 1U);
  const CountColumn& column = tables[0].columns.at(0);
  EXPECT_EQ(column.counts.at("kicks")->median, 1.5) << "the void sample doesn't count";
  EXPECT_EQ(column.counts.at("syscalls"), std::nullopt);
  EXPECT_THAT(column.reasons.at("syscalls"), HasSubstr("bench counts"));
}

class CountedRun : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(bench_binary())) GTEST_SKIP() << "bench isn't built";
    settings_.executable = bench_binary();
    settings_.repetitions = 1;
    settings_.shortening = 1000;
    settings_.no_kernel_counts = measure::KernelCounts::obstacle();
  }
  /// Where this machine doesn't count system calls.
  void expect_a_reason(const CountColumn& column) const {
    EXPECT_EQ(column.counts.at("syscalls"), std::nullopt);
    EXPECT_EQ(column.reasons.at("syscalls"), *settings_.no_kernel_counts);
  }
  CountSettings settings_;
};

Entry local_home() { return {"thread_local", "thread_local", "epoll", "", 1}; }

TEST_F(CountedRun, AMessageIsReadAndSentOnce) {
  const CountColumn column =
      count_operations(local_home(), {"tcp_echo", {{"conns", 8}, {"payload", 64}, {"pipeline", 1}}}, settings_);
  ASSERT_EQ(column.not_counted, "");
  // Beginning and end may differ by a call or two, of 800 messages.
  EXPECT_NEAR(column.counts.at("wakes_local")->median, 1.0, 0.02) << "each message wakes its session once";
  if (settings_.no_kernel_counts) return expect_a_reason(column);
  // Inline, a stream is read by read(2); in the sanitizers' presets libc's recv() does it.
  EXPECT_NEAR(column.counts.at("syscalls.read")->median + column.counts.at("syscalls.recvfrom")->median, 1.0, 0.02);
  EXPECT_NEAR(column.counts.at("syscalls.sendto")->median, 1.0, 0.02);
  // How many waits that takes is the schedule's to say: who finds the next message at once doesn't wait for it.
  EXPECT_TRUE(column.counts.at("syscalls.epoll_wait").has_value());
}

TEST_F(CountedRun, ASpawnIsPolledTwiceAndAsksNothingOfTheKernel) {
  const CountColumn column = count_operations(local_home(), {"spawn_join", {}}, settings_);
  ASSERT_EQ(column.not_counted, "");
  EXPECT_NEAR(column.counts.at("polls")->median, 2.0, 0.01);
  if (settings_.no_kernel_counts) return expect_a_reason(column);
  EXPECT_NEAR(column.counts.at("syscalls")->median, 0.0, 0.01);
}

TEST_F(CountedRun, WhatCannotBeCountedHasAReason) {
  settings_.no_kernel_counts = "be root";
  const Cell cell = {"spawn_join", {}};
  EXPECT_EQ(count_operations(local_home(), cell, settings_).reasons.at("syscalls"), "be root");
  const Entry bare{"raw_epoll", "raw_epoll", "epoll", "", 1};
  EXPECT_NE(count_operations(bare, cell, settings_).not_counted, "") << "it has no tasks";
  settings_.executable = "/proc/nowhere";
  EXPECT_THAT(count_operations(local_home(), cell, settings_).not_counted, HasSubstr("cannot start /proc/nowhere"));
}

TEST(CanBeCounted, WhatHasADeterministicLoad) {
  EXPECT_TRUE(can_be_counted({"tcp_echo", {{"conns", 8}, {"payload", 64}, {"pipeline", 1}}}));
  EXPECT_FALSE(can_be_counted({"tcp_echo", {{"conns", 8}, {"payload", 64}, {"pipeline", 16}}}));
  EXPECT_FALSE(can_be_counted({"accept_churn", {{"conns", 16}, {"payload", 64}}}));
  EXPECT_TRUE(can_be_counted({"spawn_join", {}}));
}

int run(std::vector<const char*> words) {
  words.insert(words.begin(), "bench");
  return run_program(static_cast<int>(words.size()), words.data());
}

TEST(CountsVerb, RefusesWhatIsNotThere) {
  EXPECT_EQ(run({"counts", "--impl=nobody"}), kExitUsage);
  EXPECT_EQ(run({"counts", "--workload=accept_churn"}), kExitUsage) << "no deterministic load";
  EXPECT_EQ(run({"counts", "/no/such/run"}), kExitFailure);
  EXPECT_EQ(run({"counts", "/no/such/run", "--impl=all"}), kExitUsage) << "a run has its own entries";
}

}  // namespace
}  // namespace reactorlab::bench
