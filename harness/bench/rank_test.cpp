// bench rank on made-up rows: who is ranked, what is missing, and what is said of it.
#include "harness/bench/rank_verb.hpp"

#include "harness/bench/captured_program.hpp"
#include "harness/bench/usage.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kRounds = 9;

/// An entry's samples in a cell, at that cost with a scatter of some 0.1 %.
void add(std::vector<Sample>& samples, const std::string& impl, const Cell& cell, std::uint64_t cost_ns) {
  for (std::size_t round = 0; round < kRounds; ++round) {
    Sample s;
    s.impl = impl;
    s.cell = cell;
    s.round = round;
    s.verified = true;
    s.ops = 1000;
    s.wall_ns = cost_ns * 1000;
    s.server_cpu_ns = cost_ns * (1000 + (round * 5 + impl.size()) % 3);
    s.p99_ns = 10 * cost_ns;
    samples.push_back(s);
  }
}

Cell echo(std::uint64_t conns) { return {"tcp_echo", {{"conns", conns}, {"payload", 64}, {"pipeline", 1}}}; }
const Cell kSpawn = {"spawn_join", {}};

Profile profile(std::vector<ProfileTerm> terms) { return {"mine", "what I do", std::move(terms)}; }

std::vector<std::string> names(const RankTable& table) {
  std::vector<std::string> all;
  for (const RankedEntry& one : table.entries) all.push_back(one.entry);
  return all;
}

std::vector<Sample> two_cells() {
  std::vector<Sample> samples;
  for (const auto& [impl, cost] : {std::pair{"a", 100}, {"b", 200}, {"c", 200}})
    add(samples, impl, echo(1), static_cast<std::uint64_t>(cost));
  for (const auto& [impl, cost] : {std::pair{"a", 900}, {"b", 100}, {"c", 100}})
    add(samples, impl, echo(64), static_cast<std::uint64_t>(cost));
  return samples;
}

TEST(Rank, WeightsDecide) {
  const ProfileTerm one = {.workload = "tcp_echo", .params = {{"conns", 1}}}, many = {.workload = "tcp_echo", .params = {{"conns", 64}}};
  const RankTable small = rank(two_cells(), profile({one}), {});
  EXPECT_THAT(names(small), ElementsAre("a", "b", "c"));
  EXPECT_EQ(small.entries[0].place.rank, 1U);
  EXPECT_EQ(small.entries[1].place.rank, 2U);
  EXPECT_EQ(small.entries[2].place.rank, 2U) << "b and c cost the same";
  EXPECT_THAT(text_of(small), testing::ContainsRegex("2=    c +2\\.0"));
  EXPECT_THAT(names(rank(two_cells(), profile({one, many}), {})), ElementsAre("b", "c", "a"));
  ProfileTerm heavy = one;
  heavy.weight = 9;
  EXPECT_THAT(names(rank(two_cells(), profile({heavy, many}), {})).front(), "a");
}

TEST(Rank, ATermWithSeveralCellsSharesItsWeight) {
  const RankTable table = rank(two_cells(), profile({{.workload = "tcp_echo"}}), {});
  EXPECT_EQ(table.cells, 2U);
  EXPECT_NEAR(table.covered, 1, 1e-9);
  EXPECT_NEAR(table.entries.back().place.to_best.value, std::sqrt(9.0 / 2), 0.01) << "the geometric mean of 1/2 and 9";
}

TEST(Rank, AnotherFigureThanTheMetric) {
  const RankTable by_p99 =
      rank(two_cells(), profile({{.workload = "tcp_echo", .params = {{"conns", 1}}, .figure = &figure_named("p99_ns")}}), {});
  EXPECT_NEAR(by_p99.entries.back().place.to_best.value, 2, 1e-9);
  const RankTable by_rate =
      rank(two_cells(), profile({{.workload = "tcp_echo", .params = {{"conns", 1}}, .figure = &figure_named("ops_per_s")}}), {});
  EXPECT_THAT(names(by_rate).front(), "a") << "more per second is better";
}

TEST(Rank, WhatIsMissingIsSaid) {
  auto samples = two_cells();
  add(samples, "a", kSpawn, 10);
  add(samples, "b", kSpawn, 20);
  Sample absent = samples.back();
  absent.impl = "c";
  absent.not_applicable = "it has no tasks";
  samples.push_back(absent);
  const Profile wanted = profile({{.workload = "tcp_echo", .params = {{"conns", 1}}, .weight = 2},
                                  {.workload = "spawn_join", .weight = 1},
                                  {.workload = "cpu_mix", .weight = 1}});
  const RankTable table = rank(samples, wanted, {});
  EXPECT_THAT(names(table), ElementsAre("a", "b"));
  EXPECT_THAT(table.missing, ElementsAre(HasSubstr("cpu_mix (25 % of the weight): not in this run")));
  EXPECT_THAT(table.unranked, ElementsAre(HasSubstr("c lacks spawn_join (server_cpu_ns_per_op): not applicable: it has no tasks")));
  EXPECT_NEAR(table.covered, 0.75, 1e-9);
  const std::string text = text_of(table);
  EXPECT_THAT(text, HasSubstr("over 2 cells, 75 % of the profile's weight, 9 rounds"));
  EXPECT_THAT(text, HasSubstr("not ranked: c lacks spawn_join"));

  const RankTable common = rank(samples, wanted, {.intersection = true});
  EXPECT_THAT(names(common), ElementsAre("a", "b", "c"));
  EXPECT_THAT(common.missing, ElementsAre(HasSubstr("cpu_mix"), HasSubstr("somebody lacks it")));
  EXPECT_EQ(common.cells, 1U);
}

TEST(Rank, VoidCellsAreNotZero) {
  auto samples = two_cells();
  for (Sample& sample : samples)
    if (sample.impl == "a" && sample.cell == echo(1)) sample.void_reason = "the server died";
  const RankTable table = rank(samples, profile({{.workload = "tcp_echo", .params = {{"conns", 1}}}}), {});
  EXPECT_THAT(names(table), ElementsAre("b", "c"));
  EXPECT_THAT(table.unranked, ElementsAre(HasSubstr("void: the server died")));
}

TEST(Rank, ControlsAreNoContendersUnlessTheyAreNamed) {
  auto samples = two_cells();
  add(samples, "a#again", echo(1), 100);
  const Profile small = profile({{.workload = "tcp_echo", .params = {{"conns", 1}}}});
  EXPECT_THAT(names(rank(samples, small, {})), ElementsAre("a", "b", "c"));
  EXPECT_THAT(names(rank(samples, small, {.entries = {"a#again", "b"}})), ElementsAre("a#again", "b"));
}

TEST(Rank, NoisyRoundsHaveNoFigures) {
  auto samples = two_cells();
  for (Sample& sample : samples) sample.excluded = sample.impl == "a";
  const RankTable table = rank(samples, profile({{.workload = "tcp_echo", .params = {{"conns", 1}}}}), {});
  EXPECT_THAT(table.unranked, ElementsAre(HasSubstr("excluded as noisy")));
}

TEST(Rank, WhereNothingMatchesNobodyIsRanked) {
  const RankTable table = rank(two_cells(), profile({{.workload = "idle_memory"}}), {});
  EXPECT_TRUE(table.entries.empty());
  EXPECT_THAT(text_of(table), HasSubstr("nobody can be ranked"));
  EXPECT_EQ(to_json(table).at("entries").size(), 0U);
}

class RankVerb : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(scratch_);
    std::ofstream lines(scratch_ / "samples.jsonl");
    for (const Sample& sample : two_cells()) lines << to_json(sample).dump() << "\n";
  }
  void TearDown() override { fs::remove_all(scratch_); }

  std::string profiles(const std::string& text) {
    std::ofstream(scratch_ / "profiles.json") << text;
    return "--profiles=" + (scratch_ / "profiles.json").string();
  }
  int rank_run(std::vector<std::string> words) {
    words.insert(words.begin(), {"rank", scratch_.string()});
    const CapturedEnd end = run_captured(std::move(words));
    output_ = end.output;
    errors_ = end.errors;
    return end.status;
  }

  const fs::path scratch_ = fs::path(testing::TempDir()) / ("reactorlab-rank-" + std::to_string(::getpid()));
  std::string output_, errors_;
};

const std::string kMine =
    R"({"schema": 1, "profiles": [{"name": "mine", "terms": [{"workload": "tcp_echo", "params": {"conns": 1}, "weight": 1}]},
                                  {"name": "other", "terms": [{"workload": "cpu_mix", "weight": 1}]}]})";

TEST_F(RankVerb, RanksByTheProfileThatIsNamed) {
  EXPECT_EQ(rank_run({profiles(kMine), "--profile=mine"}), kExitOk) << errors_;
  EXPECT_THAT(output_, HasSubstr("1     a"));
  EXPECT_EQ(rank_run({profiles(kMine), "--profile=mine", "--json"}), kExitOk);
  EXPECT_EQ(nlohmann::json::parse(output_).at(0).at("entries").at(0).at("impl"), "a");
  EXPECT_EQ(rank_run({profiles(kMine), "--profile=mine", "--engine=b,c"}), kExitOk);
  EXPECT_EQ(output_.find("1     a"), std::string::npos);
}

TEST_F(RankVerb, NobodyRankedIsNoSuccess) { EXPECT_EQ(rank_run({profiles(kMine)}), kExitNotComparable); }

TEST_F(RankVerb, RefusesWhatIsWrongAndSaysWhere) {
  EXPECT_EQ(rank_run({profiles(kMine), "--profile=min"}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("did you mean 'mine'"));
  EXPECT_EQ(rank_run({profiles(kMine), "--engine=nobody"}), kExitUsage);
  EXPECT_EQ(rank_run({"--profiles=/no/such/file"}), kExitUsage);
  for (const auto& [text, part] :
       {std::pair{"{", "parse error"},
        {R"({"schema": 2, "profiles": []})", "schema 2"},
        {R"({"schema": 1, "profiles": [{"name": "x", "terms": []}]})", "no terms"},
        {R"({"schema": 1, "profiles": [{"name": "x", "terms": [{"workload": "y", "weight": 0}]}]})", "isn't above 0"},
        {R"({"schema": 1, "profiles": [{"name": "x", "terms": [{"workload": "y"}]}]})", "weight"},
        {R"({"schema": 1, "profiles": [{"name": "x", "terms": [{"workload": "y", "weight": 1, "figur": "z"}]}]})",
         "did you mean 'figure'"},
        {R"({"schema": 1, "profiles": [{"name": "x", "terms": [{"workload": "y", "weight": 1, "figure": "p98_ns"}]}]})",
         "unknown figure"}}) {
    EXPECT_EQ(rank_run({profiles(text)}), kExitUsage) << text;
    EXPECT_THAT(errors_, HasSubstr(part)) << text;
  }
}

TEST(Profiles, OfTheRepositoryCanBeRead) {
  const auto file = usual_profiles_file();
  ASSERT_TRUE(file.has_value());
  const auto profiles = read_profiles(*file);
  EXPECT_GE(profiles.size(), 5U);
  for (const Profile& one : profiles) {
    EXPECT_FALSE(one.summary.empty()) << one.name;
    const auto known =
        std::count_if(one.terms.begin(), one.terms.end(), [](const ProfileTerm& term) { return is_workload(term.workload); });
    EXPECT_GT(known, 0) << one.name << " can rank something";
  }
}

}  // namespace
}  // namespace reactorlab::bench
