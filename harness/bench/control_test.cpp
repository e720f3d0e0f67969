// Controls on samples that are made up: what is known beforehand must come out, and what mustn't be must not.
#include "harness/bench/brief_sample.hpp"
#include "harness/bench/control_entries.hpp"
#include "harness/bench/control_report.hpp"
#include "harness/bench/schedule.hpp"
#include "harness/bench/spin_plan.hpp"
#include "harness/bench/stored_run.hpp"
#include "harness/bench/summary.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

namespace reactorlab::bench {
namespace {

using Labels = std::vector<std::string>;

Entry entry(const std::string& label) {
  return {.label = label, .impl = impl_of(label), .backend = "epoll", .locking = {}, .workers = 1};
}

Labels controls_of(const Labels& labels) {
  std::vector<Entry> entries;
  for (const std::string& label : labels) entries.push_back(entry(label));
  Labels controls;
  for (const Entry& control : control_entries(entries)) controls.push_back(control.label);
  return controls;
}

TEST(ControlEntries, AreMadeOfTheBaselines) {
  EXPECT_EQ(controls_of({"arc_mutex", "thread_local", "raw_epoll"}),
            (Labels{"raw_epoll#again", "thread_local#again", "thread_local#+2%", "thread_local#+5%"}));
  EXPECT_EQ(controls_of({"arc_mutex+fine", "raw_epoll"}), (Labels{"raw_epoll#again", "arc_mutex+fine#+2%", "arc_mutex+fine#+5%"}));
  EXPECT_EQ(controls_of({"asio"}), Labels{"asio#again"}) << "a peer can't be told to do more";
  EXPECT_EQ(controls_of({}), Labels{});
}

TEST(ControlEntries, LabelsSayWhatIsKnown) {
  EXPECT_TRUE(is_control("arc_mutex+fine#+5%"));
  EXPECT_FALSE(is_control("arc_mutex+fine"));
  EXPECT_EQ(base_of("arc_mutex+fine#+5%"), "arc_mutex+fine");
  EXPECT_EQ(injected_share("arc_mutex+fine#+5%"), 0.05);
  EXPECT_EQ(injected_share("arc_mutex+fine"), std::nullopt);
  EXPECT_EQ(injected_share("raw_epoll#again"), std::nullopt);
}

TEST(ControlEntries, AreInThePlanAndComeBackFromIt) {
  std::vector<std::string> notes;
  RunOptions options;
  options.impls = {"raw_epoll", "arc_mutex+fine"};
  options.tier = "smoke";
  options.seed = 7;
  options.controls = true;
  const RunPlan plan = make_plan(options, notes);
  ASSERT_EQ(plan.entries.size(), 5U);
  EXPECT_TRUE(has_positive_controls(plan));
  const RunPlan again = plan_from_json(to_json(plan));
  for (std::size_t i = 0; i < plan.entries.size(); ++i) {
    EXPECT_EQ(again.entries[i].label, plan.entries[i].label);
    EXPECT_EQ(again.entries[i].impl, plan.entries[i].impl);
    EXPECT_EQ(again.entries[i].locking, plan.entries[i].locking);
  }
  options.controls = false;
  EXPECT_EQ(make_plan(options, notes).entries.size(), 2U) << "the tier has none";
  options.tier = "standard";
  EXPECT_EQ(make_plan(options, notes).entries.size(), 5U) << "what is published has them";
  options.no_controls = true;
  EXPECT_EQ(make_plan(options, notes).entries.size(), 2U);
}

TEST(ControlEntries, TheStandardTierHasThemInSomeCells) {
  std::vector<std::string> notes;
  RunOptions options;
  options.impls = {"raw_epoll", "arc_mutex+fine"};
  options.tier = "standard";
  const RunPlan plan = make_plan(options, notes);
  std::map<std::size_t, std::set<std::size_t>> entries_of_cell;
  const auto schedule = schedule_of(plan);
  for (const Slot& slot : schedule) entries_of_cell[slot.cell].insert(slot.entry);
  std::set<Family> controlled;
  std::size_t samples = 0;
  for (std::size_t cell = 0; cell < plan.cells.size(); ++cell) {
    const bool all = entries_of_cell[cell].size() == plan.entries.size();
    if (all) controlled.insert(workload_of(plan.cells[cell].workload).family);
    EXPECT_EQ(entries_of_cell[cell].size(), all ? 5U : 2U) << describe(plan.cells[cell]);
    EXPECT_TRUE(entries_of_cell[cell].contains(1)) << "who isn't a control is everywhere";
    samples += plan.rounds * entries_of_cell[cell].size();
  }
  EXPECT_EQ(schedule.size(), samples);
  for (const Workload& workload : workloads()) EXPECT_TRUE(controlled.contains(workload.family)) << to_string(workload.family);
  EXPECT_GT(plan.uncontrolled.size(), plan.cells.size() / 2);
  EXPECT_EQ(plan_from_json(to_json(plan)).uncontrolled, plan.uncontrolled);

  options.controls = true;
  EXPECT_TRUE(make_plan(options, notes).uncontrolled.empty()) << "asked for, they are everywhere";
  options.controls = false;
  options.workload = "unix_echo";
  EXPECT_TRUE(make_plan(options, notes).uncontrolled.empty()) << "a choice of cells has room for them";
}

/// A run of made-up samples: entries with their true cost, and the noise of a round.
class MadeUpRun {
 public:
  explicit MadeUpRun(double noise, std::size_t rounds = 15, std::string workload = "spawn_join")
      : noise_(noise), rounds_(rounds), workload_(std::move(workload)) {}

  MadeUpRun& with(const std::string& label, double cost_ns, std::optional<InjectedSpin> spin = {}, bool counts = true) {
    std::normal_distribution<double> scatter;
    for (std::size_t round = 0; round < rounds_; ++round) {
      Sample s;
      s.impl = label;
      s.cell = {workload_, {}};
      s.round = round;
      s.ops = 1'000'000;
      s.wall_ns = 1'000'000'000;
      s.server_cpu_ns =
          static_cast<std::uint64_t>(1e6 * cost_ns * std::exp(noise_ * scatter(engine_)) * (1 + 0.1 * static_cast<double>(round)));
      s.verified = true;
      s.spin = spin;
      if (spin && counts) s.counts["spin_iterations"] = spin->iterations;
      samples.push_back(std::move(s));
    }
    return *this;
  }

  std::vector<Sample> samples;

 private:
  std::mt19937_64 engine_{20261129};
  double noise_;
  std::size_t rounds_;
  std::string workload_;
};

InjectedSpin spin_of(double ns) { return {.iterations = ns / 1.5, .ns = ns}; }

const ControlRow& row_of(const std::vector<ControlRow>& rows, const std::string& label) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const ControlRow& row) { return row.label == label; });
  if (found == rows.end()) throw std::out_of_range(label);
  return *found;
}

TEST(Controls, APreciseRunFindsEverythingThatIsKnown) {
  const auto report = judge_controls(MadeUpRun(0.001)
                                         .with("raw_epoll", 1000)
                                         .with("raw_epoll#again", 1000)
                                         .with("thread_local", 1100)
                                         .with("thread_local#+2%", 1122, spin_of(22))
                                         .with("thread_local#+5%", 1155, spin_of(55))
                                         .samples);
  EXPECT_EQ(row_of(report.same, "raw_epoll#again").outcome, ControlOutcome::Equivalent);
  const ControlRow& five = row_of(report.positive, "thread_local#+5%");
  EXPECT_EQ(five.outcome, ControlOutcome::Found);
  EXPECT_EQ(five.baseline, "thread_local") << "not the table's";
  EXPECT_NEAR(five.ratio->value, 1.05, 0.005);
  EXPECT_TRUE(five.found_on_counts);
  ASSERT_TRUE(five.injected.has_value());
  EXPECT_NEAR(*five.injected, 0.05 / 1.7, 0.005) << "of what the base cost in the run, which rose above the pilot's";
  const ControlRow& two = row_of(report.positive, "thread_local#+2%");
  EXPECT_TRUE(two.found_on_counts) << "2 % are within the margin: the counts decide";
  EXPECT_TRUE(report.suspicions.empty());
}

TEST(Controls, EqualThingsThatComeOutDifferentMakeTheRunSuspect) {
  const auto report = judge_controls(MadeUpRun(0.001).with("raw_epoll", 1000).with("raw_epoll#again", 1040).samples);
  EXPECT_EQ(row_of(report.same, "raw_epoll#again").outcome, ControlOutcome::Differs);
  ASSERT_EQ(report.suspicions.size(), 1U);
  EXPECT_NE(report.suspicions[0].find("raw_epoll#again in spawn_join differs"), std::string::npos) << report.suspicions[0];
  EXPECT_NE(text_of(report).find("SUSPECT"), std::string::npos);
  EXPECT_NE(text_of(report).find("1 of 1 pairs came out different"), std::string::npos) << text_of(report);
}

TEST(Controls, ANoisyRunSaysWhatItCouldHaveFound) {
  const auto report = judge_controls(MadeUpRun(0.10)
                                         .with("thread_local", 1000)
                                         .with("thread_local#again", 1000)
                                         .with("thread_local#+2%", 1020, spin_of(20))
                                         .with("thread_local#+5%", 1050, spin_of(50))
                                         .samples);
  const ControlRow& same = row_of(report.same, "thread_local#again");
  EXPECT_EQ(same.outcome, ControlOutcome::Inconclusive);
  ASSERT_TRUE(same.detectable.has_value());
  EXPECT_GT(*same.detectable, 1.05);
  const ControlRow& five = row_of(report.positive, "thread_local#+5%");
  EXPECT_EQ(five.outcome, ControlOutcome::Undetectable);
  EXPECT_GT(*five.detectable, 1.05);
  EXPECT_TRUE(five.found_on_counts) << "counts have no noise";
  EXPECT_TRUE(report.suspicions.empty()) << "noise is no fault";
  EXPECT_NE(text_of(report).find("too small to be found in 1; on the counts found in 1 of 1"), std::string::npos)
      << text_of(report);
}

TEST(Controls, WhatAPreciseRunDoesNotFindMakesItSuspect) {
  const auto report =
      judge_controls(MadeUpRun(0.001).with("thread_local", 1000).with("thread_local#+5%", 1001, spin_of(100)).samples);
  const ControlRow& five = row_of(report.positive, "thread_local#+5%");
  EXPECT_EQ(five.outcome, ControlOutcome::Missed);
  ASSERT_EQ(report.suspicions.size(), 1U);
  EXPECT_NE(report.suspicions[0].find("wasn't found"), std::string::npos) << report.suspicions[0];
}

TEST(Controls, AMissSaysWhetherTheServerSavedTurns) {
  const auto suspicion = [](double turns_before, double turns_now) {
    auto run = MadeUpRun(0.001).with("thread_local", 1000).with("thread_local#+5%", 1001, spin_of(100));
    for (Sample& sample : run.samples) sample.counts["turns"] = sample.spin ? turns_now : turns_before;
    return judge_controls(run.samples).suspicions.at(0);
  };
  EXPECT_NE(suspicion(0.139, 0.037).find("; its loop took 0.037 turns for an operation instead of 0.14"), std::string::npos);
  EXPECT_EQ(suspicion(0.139, 0.139).find("turns"), std::string::npos);
}

TEST(Controls, CountsThatDisagreeMakeTheRunSuspect) {
  auto run = MadeUpRun(0.001).with("thread_local", 1000).with("thread_local#+5%", 1050, spin_of(50));
  for (Sample& sample : run.samples)
    if (sample.spin) sample.counts["spin_iterations"] = sample.spin->iterations / 2;
  const auto report = judge_controls(run.samples);
  EXPECT_FALSE(row_of(report.positive, "thread_local#+5%").found_on_counts);
  ASSERT_EQ(report.suspicions.size(), 1U);
  EXPECT_NE(report.suspicions[0].find("isn't in the counts"), std::string::npos) << report.suspicions[0];
}

TEST(Controls, AServerThatInjectsNothingIsNoControl) {
  const auto report =
      judge_controls(MadeUpRun(0.001).with("thread_local", 1000).with("thread_local#+5%", 1000, spin_of(50), false).samples);
  const ControlRow& five = row_of(report.positive, "thread_local#+5%");
  EXPECT_EQ(five.outcome, ControlOutcome::NoFigures);
  EXPECT_EQ(five.note, "this workload's server injects nothing");
  EXPECT_TRUE(report.suspicions.empty());
}

TEST(Controls, WhatHasNoFiguresSaysWhy) {
  auto run = MadeUpRun(0.001).with("raw_epoll", 1000).with("raw_epoll#again", 1000);
  for (Sample& sample : run.samples) sample.not_applicable = "no tasks";
  auto report = judge_controls(run.samples);
  EXPECT_EQ(report.same.at(0).outcome, ControlOutcome::NoFigures);
  EXPECT_EQ(report.same.at(0).note, "no tasks");
  for (Sample& sample : run.samples) {
    sample.not_applicable.clear();
    sample.excluded = true;
  }
  report = judge_controls(run.samples);
  EXPECT_EQ(report.same.at(0).note, "every round with it was excluded as noisy");
  EXPECT_EQ(to_json(report).at("same").at(0).at("outcome"), "n/a");
}

TEST(Controls, EveryDifferenceIsCorrectedOverTheWholeRun) {
  std::vector<Sample> samples;
  for (std::uint64_t live = 1; live <= 40; ++live) {
    auto cell = MadeUpRun(0.001, 9).with("raw_epoll", 1000).with("raw_epoll#again", live == 1 ? 1040 : 1000);
    for (Sample& s : cell.samples) {
      s.cell = {"timer_insert_cancel", {{"live", live}}};
      samples.push_back(std::move(s));
    }
  }
  const auto report = judge_controls(samples);
  ASSERT_EQ(report.same.size(), 40U);
  EXPECT_NEAR(report.same[0].p_different, 40 * 2.0 / 512, 1e-9) << "nine rounds of 40 pairs can't tell";
  EXPECT_EQ(report.same[0].outcome, ControlOutcome::Inconclusive);
  EXPECT_EQ(report.same[1].outcome, ControlOutcome::Equivalent) << "by its own cell";
}

/// The false-positive rate of the whole report: at most 5 % of the runs whose pairs are all equal accuse themselves.
TEST(Controls, RunsOfEqualThingsSeldomAccuseThemselves) {
  constexpr int kRuns = 200;
  constexpr std::uint64_t kCells = 10;
  std::mt19937_64 engine(7);
  std::normal_distribution<double> scatter(0, 0.05);
  int accused = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<Sample> samples;
    for (std::uint64_t live = 1; live <= kCells; ++live) {
      auto cell = MadeUpRun(0).with("raw_epoll", 1000).with("raw_epoll#again", 1000);
      for (Sample& s : cell.samples) {
        s.cell = {"timer_insert_cancel", {{"live", live}}};
        s.server_cpu_ns = static_cast<std::uint64_t>(1e9 * std::exp(scatter(engine)));
        samples.push_back(std::move(s));
      }
    }
    const auto rows = judge_controls(samples).same;
    accused += std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.outcome == ControlOutcome::Differs; });
  }
  EXPECT_LE(accused, 18) << "of " << kRuns << ": 5 %, and chance (seeded)";
}

TEST(Controls, TheHomesMustBeEqualWhereNothingOfThemIsInThePath) {
  const auto run = [](double cost) {
    return judge_controls(MadeUpRun(0.001, 15, std::string(kNegativeControl))
                              .with("arc_mutex", cost)
                              .with("arc_mutex+fine", 10'000)
                              .with("thread_local", 10'000)
                              .with("asio", 20'000)
                              .samples);
  };
  auto report = run(10'000);
  ASSERT_EQ(report.negative.size(), 2U) << "homes only";
  for (const ControlRow& row : report.negative) {
    EXPECT_EQ(row.outcome, ControlOutcome::Equivalent) << row.label;
    EXPECT_EQ(row.baseline, "thread_local");
  }
  EXPECT_TRUE(report.suspicions.empty());
  report = run(10'500);
  EXPECT_EQ(row_of(report.negative, "arc_mutex").outcome, ControlOutcome::Differs);
  ASSERT_EQ(report.suspicions.size(), 1U);
  EXPECT_NE(report.suspicions[0].find("arc_mutex in await_chain differs from thread_local"), std::string::npos);
}

TEST(Controls, AreInNoRowOfTheTable) {
  const auto rows =
      summarise(MadeUpRun(0.001).with("raw_epoll", 1000).with("raw_epoll#again", 1500).with("thread_local", 1100).samples);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].cost.significance.family, 1U) << "controls take nothing from the verdicts";
}

RunPlan plan_with_controls() {
  RunPlan plan;
  plan.entries = {entry("thread_local")};
  for (Entry& control : control_entries(plan.entries)) plan.entries.push_back(std::move(control));
  plan.cells = {{"spawn_join", {}}, {"idle_memory", {{"conns", 8000}}}, {"yield", {{"tasks", 64}}}, {"udp_echo", {{"conns", 64}}}};
  return plan;
}

TEST(SpinPlan, InjectsAShareOfThePilotsMedian) {
  std::vector<std::uint64_t> costs = {100, 300, 110};
  std::size_t taken = 0;
  const auto plan = pilot_spins(plan_with_controls(), 1.5, [&](const Entry& base, const SamplePlace& place) {
    EXPECT_EQ(base.label, "thread_local");
    Sample s = unmeasured_sample(base, place, brief(""));
    s.ops = 1;
    s.wall_ns = 1;
    s.server_cpu_ns = costs[taken++ % 3];
    if (place.cell.workload == "yield") s.void_reason = "it broke";
    return std::optional(s);
  });
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(taken, 6U) << "neither memory nor datagrams need a pilot";
  const auto spin = spin_for(*plan, {"spawn_join", {}}, 0.05);
  ASSERT_TRUE(spin.has_value());
  EXPECT_DOUBLE_EQ(spin->ns, 110 * 0.05);
  EXPECT_DOUBLE_EQ(spin->iterations, 110 * 0.05 / 1.5);
  EXPECT_FALSE(spin_for(*plan, {"idle_memory", {{"conns", 8000}}}, 0.05).has_value());
  EXPECT_EQ(why_no_spin(*plan, {"idle_memory", {{"conns", 8000}}}), "work costs no memory");
  EXPECT_EQ(why_no_spin(*plan, {"yield", {{"tasks", 64}}}), "its pilot was void: it broke");
  EXPECT_EQ(why_no_spin(*plan, {"udp_echo", {{"conns", 64}}}), "only the servers of TCP echo do a control's work");
  const SpinPlan again = spin_plan_from_json(to_json(*plan));
  EXPECT_DOUBLE_EQ(spin_for(again, {"spawn_join", {}}, 0.05)->iterations, spin->iterations);
  EXPECT_EQ(why_no_spin(again, {"yield", {{"tasks", 64}}}), "its pilot was void: it broke");
}

TEST(SpinPlan, AnInterruptLeavesNone) {
  EXPECT_FALSE(pilot_spins(plan_with_controls(), 1.5, [](const Entry&, const SamplePlace&) { return std::optional<Sample>(); }));
}

/// The counts are exact, however little the machine is to be believed: so the whole chain is tested by them.
TEST(InjectedWork, IsCountedByTheServer) {
  SamplePlace place = small_cell();
  place.cell.params["pipeline"] = 16;
  place.spin = InjectedSpin{.iterations = 50, .ns = 75};
  for (const char* home : {"thread_local", "dedicated_thread"}) {
    const Sample sample = run_sample(entry(home), place, brief(bench_binary()));
    ASSERT_TRUE(sample.sound()) << home << ": " << sample.void_reason;
    EXPECT_NEAR(sample.counts.at("spin_iterations").value(), 50, 0.5) << home;
  }
  place.cell.params = {{"conns", 2}, {"payload", 16384}, {"pipeline", 1}};
  place.spin = InjectedSpin{.iterations = 200.5, .ns = 300};
  EXPECT_NEAR(run_sample(entry("thread_local"), place, brief(bench_binary())).counts.at("spin_iterations").value(), 200.5, 0.5)
      << "large messages, and a rate that isn't whole";
  place.spin = InjectedSpin{.iterations = 50, .ns = 75};
  place.cell = {"accept_churn", {{"conns", 2}, {"payload", 64}}};
  const Sample churn = run_sample(entry("thread_local"), place, brief(bench_binary()));
  ASSERT_TRUE(churn.sound()) << churn.void_reason;
  EXPECT_NEAR(churn.counts.at("spin_iterations").value(), 50, 0.5);
  place.spin.reset();
  place.cell = small_cell().cell;
  EXPECT_FALSE(run_sample(entry("thread_local"), place, brief(bench_binary())).counts.contains("spin_iterations"));
}

TEST(InjectedWork, InsideAProcessMayBeAFractionOfAnIteration) {
  SamplePlace place = small_cell();
  place.cell = {"reg_churn", {}};
  place.spin = InjectedSpin{.iterations = 0.25, .ns = 0.4};
  const Sample sample = run_sample(entry("thread_local"), place, brief(bench_binary()));
  ASSERT_TRUE(sample.sound()) << sample.void_reason;
  EXPECT_NEAR(sample.counts.at("spin_iterations").value(), 0.25, 1e-9);
}

}  // namespace
}  // namespace reactorlab::bench
