#include "harness/bench/ablation_definition.hpp"
#include "harness/bench/entry.hpp"
#include "harness/bench/latin_square.hpp"
#include "harness/bench/results_folder.hpp"
#include "harness/bench/tier.hpp"
#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

TEST(LatinSquare, EveryBlockHasEverybodyOnceInEveryPosition) {
  for (const std::size_t entries : {1U, 2U, 4U, 7U}) {
    for (std::size_t block = 0; block < 5; ++block) {
      std::vector<std::set<std::size_t>> at_position(entries);
      for (std::size_t round = block * entries; round < (block + 1) * entries; ++round) {
        const auto order = round_order(42, 3, round, entries);
        EXPECT_EQ(std::set(order.begin(), order.end()).size(), entries);
        for (std::size_t position = 0; position < entries; ++position) at_position[position].insert(order[position]);
      }
      for (const auto& seen : at_position) EXPECT_EQ(seen.size(), entries);
    }
  }
}

TEST(LatinSquare, IsRepeatableAndFollowsSeedCellAndBlock) {
  EXPECT_EQ(round_order(1, 2, 3, 8), round_order(1, 2, 3, 8));
  EXPECT_NE(round_order(1, 2, 3, 8), round_order(2, 2, 3, 8));
  EXPECT_NE(round_order(1, 2, 3, 8), round_order(1, 3, 3, 8));
  EXPECT_NE(round_order(1, 2, 0, 8), round_order(1, 2, 8, 8));
  EXPECT_NE(round_order(std::uint64_t{1} << 40U, 0, 0, 8), round_order(0, 0, 0, 8)) << "all 64 bits of the seed count";
}

/// Two shared homes and a peer, as a later registry might have them.
std::vector<Impl> known_impls() {
  return {{"confined", ImplKind::Variant, {"", {"epoll", "uring"}, {}, 0}, nullptr},
          {"locked", ImplKind::Variant, {"", {"epoll"}, {"coarse", "fine"}, 0}, nullptr},
          {"raw", ImplKind::Peer, {"", {"epoll"}, {}, 1}, nullptr}};
}

std::vector<std::string> labels_of(const EntryChoice& choice) {
  std::vector<std::string> labels;
  for (const Entry& entry : choice.entries) labels.push_back(entry.label);
  return labels;
}
std::vector<std::string> labels_of(const EntryFilter& filter) { return labels_of(choose_entries(known_impls(), filter)); }

using Labels = std::vector<std::string>;

TEST(ChooseEntries, AllTakesEveryLocking) {
  EXPECT_EQ(labels_of({.impls = {"all"}}), (Labels{"confined", "locked", "locked+fine", "raw"}));
  EXPECT_EQ(labels_of({.impls = {"all"}, .locking = "fine"}), (Labels{"confined", "locked+fine", "raw"}));
}

TEST(ChooseEntries, AllLeavesOutWhatCannotBeAndSaysWhy) {
  const auto choice = choose_entries(known_impls(), {.impls = {"all"}, .workers = 2});
  EXPECT_EQ(choice.entries.size(), 3U);
  ASSERT_EQ(choice.notes.size(), 1U);
  EXPECT_NE(choice.notes[0].find("raw has at most 1 worker"), std::string::npos);
  EXPECT_EQ(labels_of({.impls = {"all"}, .backend = "uring"}), (Labels{"confined@uring"}));
}

/// An engine that this machine can't run.
class Impossible final : public Engine {
 public:
  [[nodiscard]] EngineInfo info() const override { return {.summary = ""}; }
  [[nodiscard]] std::optional<std::string> obstacle() const override { return "no such facility: get one"; }
  ServeReport serve(const ServeRequest&) override { throw std::runtime_error("unreachable"); }
};

TEST(ChooseEntries, WhatThisMachineCannotRunIsLeftOutOfAllAndRefusedByName) {
  std::vector<Impl> known = known_impls();
  known.push_back({"impossible", ImplKind::Peer, {}, [] { return std::make_unique<Impossible>(); }});
  const auto choice = choose_entries(known, {.impls = {"all"}});
  EXPECT_EQ(choice.entries.size(), 4U);
  ASSERT_EQ(choice.notes.size(), 1U);
  EXPECT_EQ(choice.notes[0], "left out: impossible can't run on this machine: no such facility: get one");
  EXPECT_THROW((void)choose_entries(known, {.impls = {"impossible"}}), std::runtime_error);
  EXPECT_THROW((void)choose_entries(known, {.impls = {"impossible"}, .workers = 2}), UsageError)
      << "what can't be typed comes first";
}

TEST(ChooseEntries, NamesAndLabels) {
  EXPECT_EQ(labels_of({.impls = {"locked"}}), (Labels{"locked"}));
  EXPECT_EQ(labels_of({.impls = {"locked+fine", "raw", "raw"}}), (Labels{"locked+fine", "raw"}));
  EXPECT_EQ(labels_of({.impls = {"locked"}, .locking = "fine"}), (Labels{"locked+fine"}));
  const Entry entry = choose_entries(known_impls(), {.impls = {"locked"}}).entries.front();
  EXPECT_EQ(entry.backend, "epoll");
  EXPECT_EQ(entry.locking, "coarse");
}

TEST(ChooseEntries, ALabelSaysItsBackend) {
  EXPECT_EQ(labels_of({.impls = {"confined", "confined@epoll", "confined@uring"}}), (Labels{"confined", "confined@uring"}));
  EXPECT_EQ(labels_of({.impls = {"confined@uring"}, .backend = "uring"}), (Labels{"confined@uring"}));
  EXPECT_EQ(choose_entries(known_impls(), {.impls = {"confined@uring"}}).entries.front().backend, "uring");
  EXPECT_EQ(impl_of("locked+fine@uring"), "locked");
}

TEST(ChooseEntries, AutoTakesWhatThisMachineHas) {
  const auto completing = [] { return BackendChoice{Backend::uring}; };
  const auto forbidden = [] { return BackendChoice{Backend::epoll, "io_uring is forbidden: allow it"}; };
  const auto chosen = [](const EntryFilter& filter) { return choose_entries(known_impls(), filter); };
  const auto all = chosen({.impls = {"confined", "raw"}, .backend = "auto", .automatic = completing});
  EXPECT_EQ(labels_of(all), (Labels{"confined@uring", "raw"})) << "who has no choice waits as usual";
  EXPECT_TRUE(all.notes.empty());
  const auto one = chosen({.impls = {"confined@auto", "confined"}, .automatic = completing});
  EXPECT_EQ(labels_of(one), (Labels{"confined@uring", "confined"}));
  const auto fallen_back = chosen({.impls = {"all"}, .backend = "auto", .automatic = forbidden});
  EXPECT_EQ(labels_of(fallen_back).front(), "confined");
  EXPECT_EQ(fallen_back.entries.front().backend, "epoll");
  ASSERT_EQ(fallen_back.notes.size(), 1U);
  EXPECT_EQ(fallen_back.notes[0], "confined: --backend=auto fell back to epoll: io_uring is forbidden: allow it");
}

TEST(ChooseEntries, RefusesWhatANamedImplHasNot) {
  for (const EntryFilter& filter :
       {EntryFilter{.impls = {"lockd"}}, EntryFilter{.impls = {"raw+fine"}}, EntryFilter{.impls = {""}},
        EntryFilter{.impls = {"raw"}, .backend = "uring"}, EntryFilter{.impls = {"all"}, .backend = "x"},
        EntryFilter{.impls = {"all"}, .locking = "x"}, EntryFilter{.impls = {"raw"}, .workers = 2},
        EntryFilter{.impls = {"all"}, .workers = 0}, EntryFilter{.impls = {"locked+fine"}, .locking = "coarse"},
        EntryFilter{.impls = {"raw@uring"}}, EntryFilter{.impls = {"raw@x"}}, EntryFilter{.impls = {"confined@uring"}, .backend = "epoll"}})
    EXPECT_THROW((void)labels_of(filter), UsageError);
}

class TemporaryFolder : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(path_); }
  void TearDown() override { std::filesystem::remove_all(path_); }
  const std::filesystem::path path_ = std::filesystem::path(testing::TempDir()) / ("reactorlab-" + std::to_string(::getpid()));
};

using ResultsFolderTest = TemporaryFolder;

TEST_F(ResultsFolderTest, WritesWholeFilesAndAppendsSamples) {
  {
    auto folder = ResultsFolder::create(path_ / "deep" / "run");
    folder.append(Sample{});
    folder.append(Sample{});
    folder.write("summary.json", {{"a", 1}});
    folder.write("summary.json", {{"a", 2}});
  }
  std::ifstream samples(path_ / "deep" / "run" / "samples.jsonl");
  int lines = 0;
  for (std::string line; std::getline(samples, line); ++lines) EXPECT_NO_THROW((void)sample_from_json(nlohmann::json::parse(line)));
  EXPECT_EQ(lines, 2);
  std::ifstream summary(path_ / "deep" / "run" / "summary.json");
  EXPECT_EQ(nlohmann::json::parse(summary).at("a"), 2);
  EXPECT_FALSE(std::filesystem::exists(path_ / "deep" / "run" / "summary.json.tmp"));
}

TEST_F(ResultsFolderTest, KeepsAnEarlierRun) {
  {
    ResultsFolder::create(path_).append(Sample{});
  }
  EXPECT_THROW((void)ResultsFolder::create(path_), std::runtime_error);
  EXPECT_TRUE(std::filesystem::exists(path_ / "samples.jsonl"));
}

TEST_F(ResultsFolderTest, LeavesNothingOfARunThatMeasuredNothing) {
  {
    ResultsFolder::create(path_).write("provenance.json", {});
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ResultsFolderTest, ReopenedAddsAndNeverDisappears) {
  ResultsFolder::create(path_).append(Sample{});
  {
    auto folder = ResultsFolder::reopen(path_);
    EXPECT_THROW((void)ResultsFolder::reopen(path_), std::runtime_error) << "one writer at a time";
    folder.append(Sample{});
  }
  ResultsFolder::reopen(path_).rewrite_samples("");
  EXPECT_TRUE(std::filesystem::exists(path_ / "samples.jsonl"));
  ResultsFolder::reopen(path_).append(Sample{});
  std::ifstream samples(path_ / "samples.jsonl");
  std::string line;
  EXPECT_TRUE(std::getline(samples, line));
  EXPECT_FALSE(std::getline(samples, line)) << "what was appended after a rewrite is in the new file";
}

TEST_F(ResultsFolderTest, SaysWhyItCannotWrite) {
  std::ofstream(path_) << "a file is in the way";
  EXPECT_THROW((void)ResultsFolder::create(path_ / "run"), std::runtime_error);
}

int run(std::vector<const char*> words) {
  words.insert(words.begin(), "bench");
  return run_program(static_cast<int>(words.size()), words.data());
}

TEST(Program, UsageErrorsEndWithTwo) {
  const std::vector<std::vector<const char*>> wrong = {{"--impl=no_such_impl"},
                                                       {"--no-such-flag"},
                                                       {"no_such_verb"},
                                                       {"run", "--tier=huge"},
                                                       {"run", "--rounds=many"},
                                                       {"run", "--controls", "--no-controls"},
                                                       {"run", "--conns=0"},
                                                       {"run", "--resume=/no/such/run"},
                                                       {"run", "--resume=x", "--tier=quick"},
                                                       {"run", "--backend=kqueue"},
                                                       {"serve"},
                                                       {"serve", "--impl=all"},
                                                       {"serve", "--impl=raw_epoll", "--proto=http"},
                                                       {"serve", "--impl=raw_epoll", "--port=70000"},
                                                       {"load"},
                                                       {"load", "--connect=example.org:80"},
                                                       {"load", "--connect=127.0.0.1:1", "--payload=0"},
                                                       {"load", "--connect=127.0.0.1:1", "--mode=storm"},
                                                       {"--impl=engine:no_such_engine"},
                                                       {"--impl=engines", "--engines=/no/such/file"},
                                                       {"serve", "--impl=engines"},
                                                       {"serve", "--impl=engine:x", "--engine-entry={}"},
                                                       {"list", "--engines=/no/such/file"},
                                                       {"list", "extra"}};
  for (const auto& words : wrong) EXPECT_EQ(run(words), kExitUsage) << words.front();
}

TEST(Program, FailuresEndWithOne) {
  EXPECT_EQ(run({"load", "--connect=127.0.0.1:1", "--conns=1000000"}), kExitFailure) << "more than the descriptors";
  EXPECT_EQ(run({"--out=/proc/nowhere", "--impl=raw_epoll", "--tier=smoke"}), kExitFailure);
}

TEST(Program, ListKnowsEveryImpl) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(run({"list", "--json"}), kExitOk);
  const auto list = nlohmann::json::parse(testing::internal::GetCapturedStdout());
  EXPECT_EQ(list.at("impls").size(), impls().size());
  for (const auto& impl : list.at("impls")) EXPECT_FALSE(impl.at("summary").get<std::string>().empty()) << impl;
  EXPECT_EQ(list.at("engines").size(), engine_impls("").size());
  for (const auto& engine : list.at("engines")) EXPECT_TRUE(engine.at("name").get<std::string>().starts_with("engine:")) << engine;
  EXPECT_EQ(list.at("workloads").size(), workloads().size());
  for (const auto& workload : list.at("workloads")) {
    for (const char* text : {"summary", "operation", "metric", "unit"})
      EXPECT_FALSE(workload.at(text).get<std::string>().empty()) << text << " of " << workload;
    EXPECT_FALSE(workload.at("cells").empty()) << workload;
  }
}

TEST(Program, ListGivesEverythingALineOfItsOwn) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(run({"list"}), kExitOk);
  std::istringstream text(testing::internal::GetCapturedStdout());
  std::multiset<std::string> first_words;
  for (std::string line; std::getline(text, line);)
    if (line.starts_with("  ")) first_words.insert(line.substr(2, line.find(' ', 2) - 2));
  const auto engines = engine_impls("");
  for (const Impl& impl : impls()) EXPECT_EQ(first_words.count(impl.name), 1U) << impl.name;
  for (const Impl& engine : engines) EXPECT_EQ(first_words.count(engine.name), 1U) << engine.name;
  for (const Workload& workload : workloads()) EXPECT_EQ(first_words.count(std::string(workload.name)), 1U) << workload.name;
  for (const Tier& tier : tiers()) EXPECT_EQ(first_words.count(std::string(tier.name)), 1U) << tier.name;
  for (const AblationDefinition& ablation : ablations()) EXPECT_EQ(first_words.count(ablation.name), 1U) << ablation.name;
  EXPECT_EQ(first_words.size(), impls().size() + engines.size() + workloads().size() + ablations().size() + tiers().size());
}

}  // namespace
}  // namespace reactorlab::bench
