// Validity gates on samples that are made up, and on one that was measured.
#include "harness/bench/validity_gates.hpp"
#include "harness/bench/brief_sample.hpp"
#include "harness/bench/table.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace reactorlab::bench {
namespace {

Sample sound_sample() {
  Sample s;
  s.impl = "raw_epoll";
  s.cell = {"tcp_echo", {{"conns", 64}, {"payload", 64}, {"pipeline", 1}}};
  s.verified = true;
  s.ops = 100'000;
  s.wall_ns = 1'000'000'000;
  s.server_cpu_ns = 500'000'000;
  s.load_cpu_ns = 500'000'000;
  s.p50_ns = 600'000;
  s.load = {.mean_ns = 630'000, .mean_in_flight = 63, .offered = {}, .send_lag_p99_ns = {}, .tcp_trouble = measure::TcpTrouble{}};
  return s;
}

/// The names of the gates that fail, or that say nothing.
struct Verdicts {
  std::vector<std::string> failed, unknown;
};

Verdicts verdicts(const Sample& sample) {
  Verdicts all;
  for (const ValidityGate& gate : validity_gates(sample)) {
    if (!gate.passed)
      all.unknown.emplace_back(gate.name);
    else if (!*gate.passed)
      all.failed.emplace_back(gate.name);
    EXPECT_EQ(gate.passed.has_value(), !gate.text.starts_with("n/a")) << gate.text;
  }
  return all;
}

using Names = std::vector<std::string>;

TEST(ValidityGates, AClosedLoopHasNoScheduleAndSaysSo) {
  const Verdicts all = verdicts(sound_sample());
  EXPECT_EQ(all.failed, Names{});
  EXPECT_EQ(all.unknown, (Names{"rate", "send_lag"}));
}

TEST(ValidityGates, EachHasItsLimit) {
  const auto failed = [](auto&& change) {
    Sample s = sound_sample();
    change(s);
    return verdicts(s).failed;
  };
  EXPECT_EQ(failed([](Sample& s) { s.load_cpu_ns = 810'000'000; }), Names{"headroom"});
  EXPECT_EQ(failed([](Sample& s) { s.load_cpu_ns = 800'000'000; }), Names{});
  EXPECT_EQ(failed([](Sample& s) { s.load.offered = 101'100; }), Names{"rate"});
  EXPECT_EQ(failed([](Sample& s) { s.load.offered = 101'000; }), Names{});
  EXPECT_EQ(failed([](Sample& s) { s.load.send_lag_p99_ns = 61'000; }), Names{"send_lag"}) << "a tenth of the median";
  EXPECT_EQ(failed([](Sample& s) { s.load.send_lag_p99_ns = 60'000; }), Names{});
  EXPECT_EQ(failed([](Sample& s) { s.load.mean_in_flight = 60; }), Names{}) << "4.8 % apart";
  EXPECT_EQ(failed([](Sample& s) { s.load.mean_in_flight = 59.8; }), Names{"littles_law"});
  EXPECT_EQ(failed([](Sample& s) { s.errors = 1; }), Names{"errors"});
  EXPECT_EQ(failed([](Sample& s) { s.load.tcp_trouble->retransmits = 1; }), Names{"network"});
  EXPECT_EQ(failed([](Sample& s) { s.load.tcp_trouble->listen_drops = 1; }), Names{"network"});
}

TEST(ValidityGates, WhatWasNotCountedIsUnknown) {
  Sample s = sound_sample();
  s.load = {};
  EXPECT_EQ(verdicts(s).unknown, (Names{"rate", "send_lag", "littles_law", "network"}));
}

TEST(ValidityGates, OnlySamplesWithAServerAndNumbersHaveThem) {
  Sample s = sound_sample();
  s.void_reason = "wrong bytes";
  EXPECT_TRUE(validity_gates(s).empty());
  s = sound_sample();
  s.cell = {"spawn_join", {}};
  EXPECT_TRUE(validity_gates(s).empty());
  EXPECT_FALSE(to_json(s).contains("validity"));
}

TEST(ValidityGates, AreInTheRowAndInTheTable) {
  std::vector<Sample> samples;
  for (std::size_t round = 0; round < 3; ++round) {
    samples.push_back(sound_sample());
    samples.back().round = round;
    samples.back().load_cpu_ns = 990'000'000;
    if (round == 1) samples.back().load.tcp_trouble->timeouts = 2;
  }
  const auto line = to_json(samples[1]);
  EXPECT_EQ(line.at("validity").at("headroom").at("passed"), false);
  EXPECT_TRUE(line.at("validity").at("rate").is_null());
  EXPECT_EQ(sample_from_json(line).load.tcp_trouble->timeouts, 2U);
  const auto rows = summarise(samples);
  EXPECT_EQ(to_json(rows.at(0)).at("validity").at("network"), (nlohmann::json{{"judged", 3}, {"failed", 1}}));
  const std::string table = table_of(rows);
  EXPECT_NE(table.find("[h t 1/3]"), std::string::npos) << table;
  EXPECT_NE(table.find("[h] headroom: "), std::string::npos) << table;
  EXPECT_EQ(table.find("[l]"), std::string::npos) << "only flags that some row has are explained";
}

TEST(ValidityGates, AMeasuredSampleHasWhatTheyJudge) {
  const Entry entry = {.label = "raw_epoll", .impl = "raw_epoll", .backend = "epoll", .locking = {}, .workers = 1};
  const Sample sample = run_sample(entry, small_cell(), brief(bench_binary()));
  ASSERT_TRUE(sample.sound()) << sample.void_reason;
  ASSERT_TRUE(sample.load.mean_in_flight && sample.load.mean_ns);
  EXPECT_GT(*sample.load.mean_in_flight, 0);
  EXPECT_LE(*sample.load.mean_in_flight, 8) << "connections, one message each";
  EXPECT_EQ(validity_gates(sample).size(), 6U);
}

}  // namespace
}  // namespace reactorlab::bench
