// The noise gate on samples that are made up: which rounds it excludes, for whom, and what it says of readings that aren't there.
#include "harness/bench/noise_gate.hpp"
#include "harness/bench/noise_probe.hpp"
#include "harness/bench/summary.hpp"

#include <stdexcept>

#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

constexpr std::uint64_t kWindow = 200'000'000;
constexpr std::size_t kRounds = 9;

NoiseReading quiet() {
  return {.elapsed_ns = 300'000'000,
          .cpus = 2,
          .steal_ns = 0,
          .pressure_ns = 3'000'000,
          .others_cpu_ns = 1'000'000,
          .canary = {{"0", {.fastest_ns = 300'000, .cpu_ns = 900'000, .wall_ns = 901'000}},
                     {"1", {.fastest_ns = 310'000, .cpu_ns = 930'000, .wall_ns = 931'000}}},
          .unread = {}};
}

Sample sample(const std::string& impl, std::size_t round, std::uint64_t conns = 64) {
  Sample s;
  s.impl = impl;
  s.cell = {"tcp_echo", {{"conns", conns}, {"payload", 64}, {"pipeline", 1}}};
  s.round = round;
  s.verified = true;
  s.ops = 1000;
  s.wall_ns = kWindow;
  s.server_cpu_ns = 1'000'000 + round;
  s.noise = quiet();
  return s;
}

/// Two entries in two cells.
std::vector<Sample> quiet_run() {
  std::vector<Sample> samples;
  for (std::size_t round = 0; round < kRounds; ++round)
    for (const std::uint64_t conns : {1U, 64U})
      for (const char* impl : {"raw_epoll", "thread_local"}) samples.push_back(sample(impl, round, conns));
  return samples;
}

Sample& one_of(std::vector<Sample>& samples) { return samples.at(4 * 3 + 3); }  // thread_local, 64 conns, round 3

std::string only_gate(const std::vector<Sample>& samples) {
  std::string gates;
  for (const auto& findings : noise_findings(samples))
    for (const NoiseFinding& finding : findings) gates += std::string(finding.gate) + " ";
  return gates;
}

TEST(NoiseGate, AQuietRunLosesNothing) {
  auto samples = quiet_run();
  const NoiseReport report = exclude_noisy_rounds(samples);
  EXPECT_TRUE(report.excluded.empty());
  EXPECT_EQ(report.rounds, 2 * kRounds);
  EXPECT_TRUE(report.unread.empty());
  EXPECT_NE(text_of(report).find("0 of 18 rounds excluded"), std::string::npos) << text_of(report);
}

TEST(NoiseGate, OneNoisySampleExcludesItsRoundForAllEntriesOfTheCell) {
  auto samples = quiet_run();
  one_of(samples).noise->others_cpu_ns = 100'000'000;
  const NoiseReport report = exclude_noisy_rounds(samples);
  ASSERT_EQ(report.excluded.size(), 1U);
  EXPECT_EQ(report.excluded[0].round, 3U);
  EXPECT_EQ(report.excluded[0].cell, one_of(samples).cell);
  ASSERT_EQ(report.excluded[0].reasons.size(), 1U);
  EXPECT_NE(report.excluded[0].reasons[0].find("thread_local: other processes had 16.7 %"), std::string::npos)
      << report.excluded[0].reasons[0];
  for (const Sample& s : samples) EXPECT_EQ(s.excluded, s.round == 3 && s.cell == one_of(samples).cell) << s.impl << s.round;
  for (const SummaryRow& row : summarise(samples)) {
    const bool hit = row.identity.cell == one_of(samples).cell;
    EXPECT_EQ(row.rounds, kRounds - (hit ? 1 : 0)) << row.identity.impl;
    EXPECT_EQ(row.excluded, hit ? 1U : 0U);
    EXPECT_EQ(row.voids, 0U);
  }
}

TEST(NoiseGate, RawSamplesStayAsTheyAre) {
  auto samples = quiet_run();
  const auto before = to_json(one_of(samples));
  one_of(samples).noise->others_cpu_ns = 100'000'000;
  exclude_noisy_rounds(samples);
  auto after = to_json(one_of(samples));
  after["noise"]["others_cpu_ns"] = 1'000'000;
  EXPECT_EQ(after, before) << "an excluded sample keeps its numbers in samples.jsonl";
  EXPECT_EQ(before.at("server_cpu_ns"), 1'000'003);
}

TEST(NoiseGate, EachReadingHasItsLimit) {
  const auto with = [](auto&& change) {
    auto samples = quiet_run();
    change(one_of(samples));
    return only_gate(samples);
  };
  EXPECT_EQ(with([](Sample& s) { s.noise->steal_ns = 20'000'000; }), "steal ");
  EXPECT_EQ(with([](Sample& s) { s.noise->steal_ns = 10'000'000; }), "") << "one tick may be any moment of it";
  EXPECT_EQ(with([](Sample& s) { s.noise->others_cpu_ns = 30'000'000; }), "") << "the limit itself";
  EXPECT_EQ(with([](Sample& s) { s.noise->others_cpu_ns = 31'000'000; }), "others ");
  EXPECT_EQ(with([](Sample& s) { s.server_run_delay_ns = kWindow / 10 + 1; }), "run_delay ");
  EXPECT_EQ(with([](Sample& s) { s.server_run_delay_ns = kWindow / 10; }), "");
  EXPECT_EQ(with([](Sample& s) { s.noise->pressure_ns = 34'000'000; }), "pressure ");
  EXPECT_EQ(with([](Sample& s) { s.noise->pressure_ns = 32'000'000; }), "");
  EXPECT_EQ(with([](Sample& s) { s.noise->canary["0"].fastest_ns = 331'000; }), "canary ");
  EXPECT_EQ(with([](Sample& s) { s.noise->canary["1"].fastest_ns = 331'000; }), "") << "each CPU by its own median";
  EXPECT_EQ(with([](Sample& s) { s.noise->canary["1"].wall_ns = 1'900'000; }), "") << "what the sample before has left to do";
}

/// dedicated_thread on one CPU: its threads wait for each other, and that is what it is.
TEST(NoiseGate, WhatAnEntryAlwaysDoesToItselfIsNoNoise) {
  auto samples = quiet_run();
  for (Sample& s : samples) {
    if (s.impl != "thread_local") continue;
    s.server_run_delay_ns = kWindow * 9 / 10 + s.round * kWindow / 100;
    s.noise->pressure_ns = 240'000'000;
  }
  EXPECT_EQ(only_gate(samples), "");
  one_of(samples).noise->pressure_ns = 290'000'000;
  EXPECT_EQ(only_gate(samples), "pressure ") << "above what is usual for it";
}

TEST(NoiseGate, WaitingIsNotJudgedWhereThreadsShareCpusByDesign) {
  auto samples = quiet_run();
  for (Sample& s : samples) s.cell = {"pipe_ring", {{"conns", s.cell.params.at("conns")}}};
  one_of(samples).server_run_delay_ns = kWindow / 2;
  one_of(samples).noise->pressure_ns = 200'000'000;
  EXPECT_EQ(only_gate(samples), "");
  one_of(samples).noise->others_cpu_ns = 100'000'000;
  EXPECT_EQ(only_gate(samples), "others ") << "what others do is";
}

TEST(NoiseGate, AnAccountThatWentBackwardsIsNoReading) {
  auto samples = quiet_run();
  one_of(samples).server_run_delay_ns = ~std::uint64_t{0} - 5;
  EXPECT_EQ(only_gate(samples), "");
}

TEST(NoiseGate, WhatCannotBeReadJudgesNothingAndIsSaid) {
  auto samples = quiet_run();
  for (Sample& s : samples) {
    s.noise->pressure_ns.reset();
    s.noise->unread["pressure"] = "no such file";
  }
  const NoiseReport report = exclude_noisy_rounds(samples);
  EXPECT_TRUE(report.excluded.empty());
  EXPECT_EQ(report.unread, (std::vector<std::string>{"pressure: no such file"}));
  EXPECT_NE(text_of(report).find("n/a: pressure: no such file"), std::string::npos);
}

TEST(NoiseGate, OlderRunsKeepTheirRounds) {
  auto samples = quiet_run();
  for (Sample& s : samples) {
    s.noise.reset();
    s.server_run_delay_ns = s.round == 2 ? kWindow : 0;
  }
  const NoiseReport report = exclude_noisy_rounds(samples);
  EXPECT_TRUE(report.excluded.empty());
  ASSERT_EQ(report.unread.size(), 1U);
}

TEST(NoiseGate, WhatWasNotMeasuredSpoilsNothing) {
  auto samples = quiet_run();
  samples.push_back(sample("bare", 3));
  samples.back().not_applicable = "no such form";
  samples.back().noise->others_cpu_ns = 100'000'000;
  EXPECT_TRUE(noise_report(samples).excluded.empty());
}

TEST(NoiseReading, IsWrittenAndReadBack) {
  NoiseReading reading = quiet();
  reading.steal_ns.reset();
  reading.unread["steal"] = "why";
  EXPECT_EQ(noise_reading_from_json(to_json(reading)), reading);
  EXPECT_TRUE(to_json(reading).at("steal_ns").is_null()) << "unknown, not 0";
  Sample s = sample("raw_epoll", 0);
  s.noise = reading;
  s.spin = InjectedSpin{.iterations = 12.5, .ns = 17};
  const Sample back = sample_from_json(to_json(s));
  EXPECT_EQ(back.noise, reading);
  EXPECT_EQ(back.spin->iterations, 12.5);
  EXPECT_EQ(back.spin->ns, 17);
}

TEST(NoiseProbe, ReadsOrSaysWhyNot) {
  NoiseProbe probe(std::nullopt, std::nullopt);
  const NoiseReading reading = probe.finish();
  EXPECT_GT(reading.elapsed_ns, 0U);
  EXPECT_GE(reading.cpus, 1U);
  EXPECT_EQ(reading.steal_ns.has_value(), !reading.unread.contains("steal"));
  EXPECT_EQ(reading.pressure_ns.has_value(), !reading.unread.contains("pressure"));
  EXPECT_EQ(reading.others_cpu_ns.has_value(), !reading.unread.contains("others"));
  ASSERT_EQ(reading.canary.size(), 1U);
  EXPECT_GT(reading.canary.at("any").fastest_ns, 0U);
  EXPECT_GE(reading.canary.at("any").cpu_ns, 3 * reading.canary.at("any").fastest_ns);
}

TEST(NoiseProbe, ACpuThatIsNotOursIsSaid) {
  constexpr int kNoSuchCpu = 1000;
  NoiseProbe probe(kNoSuchCpu, kNoSuchCpu);
  const NoiseReading reading = probe.finish();
  EXPECT_TRUE(reading.canary.empty());
  EXPECT_TRUE(reading.unread.contains("canary"));
}

}  // namespace
}  // namespace reactorlab::bench
