#include "harness/bench/summary.hpp"
#include "harness/bench/sample_runner.hpp"
#include "harness/bench/table.hpp"

#include <sstream>

#include <gtest/gtest.h>

namespace reactorlab::bench {
namespace {

// As `bench run` writes it: six rounds of three entries, round 5 of `home` void; CPU per op of the peer is 1000 + 10 *
// round.
constexpr const char* kSamples = R"(
{"schema":1,"impl":"raw_epoll","backend":"epoll","locking":"","workers":1,"workload":"tcp_echo","params":{"conns":64,"payload":64,"pipeline":1},"round":0,"position":0,"ops":100,"errors":0,"verified":true,"wall_ns":1000000,"server_cpu_ns":100000,"load_cpu_ns":0,"p50_ns":500,"p90_ns":600,"p99_ns":700,"p999_ns":null,"max_ns":900,"stalled":false,"counts":{"syscalls":2.02,"allocations":null},"provenance":"d"}
{"schema":1,"impl":"home","backend":"epoll","locking":"coarse","workers":1,"workload":"tcp_echo","params":{"conns":64,"payload":64,"pipeline":1},"round":0,"position":1,"ops":100,"errors":0,"verified":true,"wall_ns":2000000,"server_cpu_ns":110000,"load_cpu_ns":0,"p50_ns":1000,"p90_ns":600,"p99_ns":null,"p999_ns":null,"max_ns":900,"stalled":true,"counts":{},"provenance":"d"}
)";

Sample sample(const std::string& impl, std::size_t round, std::uint64_t cpu_ns, std::uint64_t conns = 64) {
  Sample s;
  s.impl = impl;
  s.backend = "epoll";
  s.cell = {"tcp_echo", {{"conns", conns}, {"payload", 64}, {"pipeline", 1}}};
  s.round = round;
  s.verified = true;
  s.ops = 100;
  s.wall_ns = 1'000'000;
  s.server_cpu_ns = cpu_ns;
  return s;
}

std::vector<Sample> parse(const char* text) {
  std::vector<Sample> samples;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) samples.push_back(sample_from_json(nlohmann::json::parse(line)));
  return samples;
}

TEST(Summary, OfAFixedFile) {
  const auto rows = summarise(parse(kSamples));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].baseline, "") << "the baseline is compared with nobody";
  EXPECT_FALSE(rows[0].cpu_ns_per_op.ratio.has_value());
  EXPECT_DOUBLE_EQ(rows[0].cpu_ns_per_op.spread->median, 1000);
  EXPECT_DOUBLE_EQ(rows[0].ops_per_s.spread->median, 100'000);
  EXPECT_EQ(rows[1].baseline, "raw_epoll");
  EXPECT_NEAR(rows[1].cpu_ns_per_op.ratio->value, 1.1, 1e-12);
  EXPECT_NEAR(rows[1].ops_per_s.ratio->value, 0.5, 1e-12);
  EXPECT_NEAR(rows[1].p50_ns.ratio->value, 2, 1e-12);
  EXPECT_FALSE(rows[1].p99_ns.spread.has_value()) << "null is unknown, not 0";
  EXPECT_EQ(rows[1].stalled, 1U);
  const auto json = to_json(rows[1]);
  EXPECT_EQ(json.at("verdict"), "inconclusive") << "one round";
  EXPECT_TRUE(json.at("ratio").at("low").is_null());
  EXPECT_TRUE(json.at("p99_ns").is_null());
}

TEST(Summary, RatiosPairRoundsAndGiveAVerdict) {
  std::vector<Sample> samples;
  for (std::size_t round = 0; round < 9; ++round) {
    const std::uint64_t drift = 100'000 * (1 + round);  // tenfold over the run: only pairing survives it
    samples.push_back(sample("raw_epoll", round, drift));
    samples.push_back(sample("slow", round, drift * 11 / 10 + round));
    samples.push_back(sample("same", round, drift + round));
  }
  const auto rows = summarise(samples);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[1].cpu_ns_per_op.verdict, measure::Verdict::Slower);
  EXPECT_NEAR(rows[1].cpu_ns_per_op.ratio->value, 1.1, 1e-4);
  EXPECT_EQ(rows[2].cpu_ns_per_op.verdict, measure::Verdict::Equivalent);
  EXPECT_EQ(to_json(rows[1]).at("ratio").at("baseline"), "raw_epoll");
}

TEST(Summary, VerdictsOfACellAreUpheldTogether) {
  std::vector<Sample> samples;
  const std::vector<std::string> entries = {"raw_epoll", "a", "b", "c", "d", "e", "f", "g", "h"};
  for (std::size_t round = 0; round < 9; ++round)
    for (std::size_t i = 0; i < entries.size(); ++i)
      samples.push_back(sample(entries[i], round, 100'000 * (i == 0 ? 1 : 2) + round));
  const auto nine = summarise(samples);
  EXPECT_EQ(nine[1].cost.verdict, measure::Verdict::Slower);
  EXPECT_EQ(to_json(nine[1]).at("ratio").at("family"), 8);
  EXPECT_NEAR(to_json(nine[1]).at("ratio").at("p_different").get<double>(), 8 * 2.0 / 512, 1e-12);
  EXPECT_TRUE(to_json(nine[1]).at("ratio").at("rounds_needed").is_null()) << "nothing more is needed";

  samples.resize(7 * entries.size());
  const auto seven = summarise(samples);
  EXPECT_EQ(seven[1].cost.verdict, measure::Verdict::Inconclusive) << "alone it would be a verdict, 1/64; eight of them are none";
  EXPECT_GT(seven[1].cost.ratio->interval->low, 1.9);
  EXPECT_TRUE(to_json(seven[1]).at("ratio").at("detectable").is_null());
  EXPECT_EQ(to_json(seven[1]).at("ratio").at("rounds_needed"), 9);
  EXPECT_NE(table_of(seven).find("inconclusive (detectable: nothing; for 2 %: 9 rounds)"), std::string::npos) << table_of(seven);
}

TEST(Summary, VoidSamplesAreCountedButAreNoNumbers) {
  std::vector<Sample> samples = {sample("raw_epoll", 0, 100), sample("home", 0, 120), sample("raw_epoll", 1, 100),
                                 sample("home", 1, 9'000'000)};
  samples.back().void_reason = "byte 7 came back wrong";
  samples.back().verified = false;
  samples.back().errors = 1;
  const auto rows = summarise(samples);
  EXPECT_EQ(rows[1].rounds, 1U);
  EXPECT_EQ(rows[1].voids, 1U);
  EXPECT_DOUBLE_EQ(rows[1].cpu_ns_per_op.spread->max, 1.2);
  EXPECT_EQ(rows[1].cpu_ns_per_op.ratio->rounds, 1U);
  const auto line = to_json(samples.back());
  EXPECT_EQ(line.at("void"), "byte 7 came back wrong");
  for (const char* number : {"ops", "wall_ns", "server_cpu_ns", "p50_ns", "max_ns"})
    EXPECT_TRUE(line.at(number).is_null()) << number;
  EXPECT_EQ(sample_from_json(line).void_reason, samples.back().void_reason);
}

TEST(Summary, ThreadLocalIsTheBaselineWhereRawEpollHasNoRow) {
  std::vector<Sample> samples = {sample("thread_local", 0, 100), sample("arc_mutex", 0, 150), sample("thread_local", 0, 100, 1),
                                 sample("raw_epoll", 0, 50, 1)};
  const auto rows = summarise(samples);
  EXPECT_EQ(rows[0].baseline, "");
  EXPECT_EQ(rows[1].baseline, "thread_local");
  EXPECT_EQ(rows[2].baseline, "raw_epoll") << "another cell has its own baseline";
}

TEST(Summary, WithoutABaselineThereIsNoRatio) {
  const auto rows = summarise({sample("arc_mutex", 0, 150)});
  EXPECT_TRUE(to_json(rows[0]).at("ratio").is_null());
  EXPECT_TRUE(to_json(rows[0]).at("verdict").is_null());
}

Sample absent(const std::string& impl, std::size_t round) {
  Sample s = sample(impl, round, 0);
  s.not_applicable = "no timers there";
  s.ops = s.wall_ns = 0;
  s.verified = false;
  return s;
}

TEST(Summary, NotApplicableIsNeitherANumberNorAFault) {
  std::vector<Sample> samples;
  for (std::size_t round = 0; round < 6; ++round) {
    samples.push_back(absent("raw_epoll", round));
    samples.push_back(sample("thread_local", round, 100'000 + round));
    samples.push_back(sample("home", round, 200'000 + round));
  }
  const auto rows = summarise(samples);
  EXPECT_EQ(rows[0].rounds, 0U);
  EXPECT_EQ(rows[0].voids, 0U);
  EXPECT_EQ(rows[2].baseline, "thread_local") << "raw_epoll has no row here";
  EXPECT_NEAR(rows[2].cost.ratio->value, 2, 1e-3);
  const auto json = to_json(rows[0]);
  EXPECT_EQ(json.at("not_applicable"), "no timers there");
  for (const char* number : {"value", "ratio", "verdict", "server_cpu_ns_per_op", "ops_per_s", "p50_ns"})
    EXPECT_TRUE(json.at(number).is_null()) << number;
  EXPECT_TRUE(to_json(rows[1]).at("not_applicable").is_null());
  const std::string table = table_of(rows);
  EXPECT_NE(table.find("n/a (no timers there)"), std::string::npos) << table;

  const auto line = to_json(samples.front());
  EXPECT_TRUE(line.at("ops").is_null());
  EXPECT_FALSE(line.contains("void"));
  EXPECT_EQ(sample_from_json(line).not_applicable, "no timers there");
}

TEST(Summary, BytesPerConnectionAreTheRowOfIdleMemory) {
  std::vector<Sample> samples;
  for (std::size_t round = 0; round < 8; ++round) {
    for (const auto& [impl, bytes] : {std::pair{"raw_epoll", 100.0}, std::pair{"lean", 90.0}, std::pair{"fat", 4000.0}}) {
      Sample s = sample(impl, round, 100'000);
      s.cell = {"idle_memory", {{"conns", 100}}};
      s.counts["user_bytes"] = bytes + static_cast<double>(round);
      samples.push_back(s);
    }
  }
  samples.back().counts.erase("user_bytes");
  const auto rows = summarise(samples);
  const auto json = to_json(rows[2]);
  EXPECT_EQ(json.at("metric"), "user_bytes_per_op");
  EXPECT_EQ(json.at("unit"), "B");
  EXPECT_EQ(json.at("operation"), "connection");
  EXPECT_DOUBLE_EQ(json.at("value").at("min"), 4000);
  EXPECT_DOUBLE_EQ(json.at("value").at("max"), 4006) << "round 7 wasn't measured: that is unknown, not 0";
  EXPECT_EQ(rows[1].cost.verdict, measure::Verdict::Faster);
  EXPECT_EQ(to_json(rows[1]).at("verdict"), "smaller") << "memory isn't fast";
  EXPECT_EQ(to_json(rows[1]).at("ratios").at("server_cpu_ns_per_op").at("verdict"), "equivalent");
  EXPECT_NE(table_of(rows).find("B/op"), std::string::npos);
}

TEST(Summary, WallTimeIsTheRowWhereThreadsWaitForEachOther) {
  std::vector<Sample> samples;
  for (const char* impl : {"thread_local", "home"}) {
    Sample s = sample(impl, 0, 1000);
    s.cell = {"cross_thread_wake", workload_of("cross_thread_wake").cells.front()};
    s.wall_ns = impl == std::string("home") ? 6'000'000 : 3'000'000;
    samples.push_back(s);
  }
  const auto rows = summarise(samples);
  EXPECT_DOUBLE_EQ(rows[1].cost.spread->median, 60'000);
  EXPECT_NEAR(rows[1].cost.ratio->value, 2, 1e-9);
  EXPECT_EQ(to_json(rows[1]).at("metric"), "wall_ns_per_op");
}

TEST(Sample, SurvivesItsOwnJson) {
  for (const Sample& before : parse(kSamples)) {
    const auto json = to_json(before);
    EXPECT_EQ(to_json(sample_from_json(json)), json);
    EXPECT_EQ(json.at("counts"), to_json(sample_from_json(json)).at("counts"));
  }
}

TEST(Table, SaysNotAvailableInsteadOfZero) {
  const std::string table = table_of(summarise(parse(kSamples)));
  EXPECT_NE(table.find("n/a"), std::string::npos);
  EXPECT_NE(table.find("1.100"), std::string::npos);
  EXPECT_NE(table.find("1 stalled"), std::string::npos);
}

TEST(Stalled, ABusyLoopThatGotNoCpu) {
  Sample s = sample("home", 0, 900'000);
  s.load_cpu_ns = 900'000;
  EXPECT_FALSE(looks_stalled(s));
  s.server_cpu_ns = s.load_cpu_ns = 330'000;
  EXPECT_TRUE(looks_stalled(s)) << "a third of their share";
  s = sample("home", 0, 450'000, 1);
  s.load_cpu_ns = 400'000;
  EXPECT_FALSE(looks_stalled(s)) << "one connection: the ends take turns";
  s.server_run_delay_ns = 200'000;
  EXPECT_TRUE(looks_stalled(s)) << "another process had the CPU";
}

TEST(Stalled, ChurnIsABusyLoopAndMemoryIsNever) {
  Sample s = sample("home", 0, 900'000);
  s.cell = {"accept_churn", {{"conns", 16}, {"payload", 64}}};
  s.load_cpu_ns = 900'000;
  EXPECT_FALSE(looks_stalled(s));
  s.server_cpu_ns = s.load_cpu_ns = 330'000;
  EXPECT_TRUE(looks_stalled(s));
  s.cell = {"idle_memory", {{"conns", 8000}}};
  EXPECT_FALSE(looks_stalled(s)) << "slow or not, it takes the same memory";
}

}  // namespace
}  // namespace reactorlab::bench
