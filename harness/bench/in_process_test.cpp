// The workloads inside the process: every one on every engine, and the list of them.
#include "harness/bench/entry.hpp"
#include "harness/bench/in_process_workloads.hpp"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <map>
#include <set>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace reactorlab::bench {
namespace {

/// What a test does: enough that queues wrap, pools turn over and the reactor gets its turns, not more.
struct Trial {
  Entry entry;
  std::string workload;
  Params params;
  std::uint64_t operations;
  friend std::ostream& operator<<(std::ostream& out, const Trial& trial) {
    return out << describe({trial.workload, trial.params}) << " on " << trial.entry.label << ", " << trial.entry.workers
               << " workers";
  }
};

/// The cell, but small: of what there are thousands a few dozen do.
Params scaled_down(const InProcessWorkload& workload, Params params) {
  for (const char* many : {"timers", "registered", "ready", "live"})
    if (const auto found = params.find(many); found != params.end()) found->second = std::min<std::uint64_t>(found->second, 50);
  if (workload.name == "post" || workload.name == "xwake_flood") params["producers"] = 2;
  return params;
}

Trial trial_of(const Entry& entry, const InProcessWorkload& workload, const Params& cell) {
  static const std::map<std::string_view, std::uint64_t> few = {{"timer_fire", 120},  {"timer_storm", 120}, {"start_stop", 20},
                                                                {"spawn_join", 5000}, {"yield", 5000},      {"post", 5000}};
  const auto found = few.find(workload.name);
  return {entry, std::string{workload.name}, scaled_down(workload, cell), found == few.end() ? 300 : found->second};
}

std::vector<Trial> trials() {
  std::vector<Trial> all;
  for (const unsigned workers : {1U, 2U})
    for (const Entry& entry : choose_entries(impls(), {.impls = {"all"}, .workers = workers}).entries)
      for (const InProcessWorkload& workload : in_process_workloads()) {
        std::set<Params> tried;  // cells that differ in size only are one when small
        for (const Params& cell : workload.cells)
          if (const Trial trial = trial_of(entry, workload, cell); tried.insert(trial.params).second) all.push_back(trial);
      }
  return all;
}

/// What the engine told of its window.
struct Observed {
  std::vector<std::string> ends;
  std::vector<std::uint64_t> latencies;
  std::atomic<int> foreign_threads{0};
};

InProcessRequest request_of(const Trial& trial, Observed& observed) {
  return {.workload = trial.workload,
          .params = trial.params,
          .operations = trial.operations,
          .backend = trial.entry.backend,
          .locking = trial.entry.locking,
          .workers = trial.entry.workers,
          .on_window_open = [&] { observed.ends.emplace_back("open"); },
          .on_window_close = [&] { observed.ends.emplace_back("close"); },
          .on_latency = [&](std::uint64_t ns) { observed.latencies.push_back(ns); },
          .on_foreign_thread = [&] { ++observed.foreign_threads; }};
}

class InProcess : public testing::TestWithParam<Trial> {};

TEST_P(InProcess, DoesEveryOperationOnceAndRight) {
  const Trial& trial = GetParam();
  const InProcessWorkload& workload = *find_in_process_workload(trial.workload);
  Observed observed;
  InProcessReport report;
  try {
    report = make_engine(trial.entry.impl)->run_in_process(request_of(trial, observed));
  } catch (const NotApplicable& reason) {
    const auto& all = impls();
    const auto impl = std::find_if(all.begin(), all.end(), [&](const Impl& one) { return one.name == trial.entry.impl; });
    const bool confined_elsewhere = trial.params.contains("forwarded") && trial.params.at("forwarded") == 0;
    EXPECT_TRUE(impl->kind == ImplKind::Peer ||
                (trial.entry.impl == "thread_local" && (trial.entry.workers > 1 || confined_elsewhere)) ||
                trial.entry.impl == "oncelock_global")  // one locking per process; ctest gives each test its own
        << reason.what();
    EXPECT_STRNE(reason.what(), "");
    return;
  }
  EXPECT_EQ(report.operations, trial.operations);
  EXPECT_EQ(report.errors, 0U);
  EXPECT_EQ(observed.ends, (std::vector<std::string>{"open", "close"}));
  if (workload.name == "lateness_under_io")
    EXPECT_GT(observed.latencies.size(), 0U) << "the ticks'; its operations are messages";
  else
    EXPECT_EQ(observed.latencies.size(), workload.has_latency ? trial.operations : 0);
  EXPECT_EQ(observed.foreign_threads > 0, workload.foreign_threads);
}

INSTANTIATE_TEST_SUITE_P(Engines, InProcess, testing::ValuesIn(trials()), [](const auto& instance) {
  const Trial& trial = instance.param;
  std::string name = describe({trial.workload, trial.params}) + "_" + trial.entry.label + "_" + std::to_string(trial.entry.workers);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

TEST(InProcessWorkloads, AreNamedOnceAndExplained) {
  std::vector<std::string_view> names;
  for (const InProcessWorkload& workload : in_process_workloads()) {
    EXPECT_FALSE(workload.summary.empty()) << workload.name;
    EXPECT_FALSE(workload.cells.empty()) << workload.name;
    EXPECT_GT(workload.operations, 0U) << workload.name;
    EXPECT_EQ(std::count(names.begin(), names.end(), workload.name), 0) << workload.name;
    EXPECT_EQ(find_in_process_workload(workload.name), &workload);
    names.push_back(workload.name);
  }
  EXPECT_EQ(find_in_process_workload("tcp_echo"), nullptr);
}

TEST(InProcessWorkloads, RefuseWhatCannotBe) {
  const auto engine = make_engine("thread_local");
  EXPECT_THROW((void)engine->run_in_process({.workload = "no_such_workload", .operations = 1}), std::invalid_argument);
  EXPECT_THROW((void)engine->run_in_process({.workload = "yield", .operations = 1}), std::invalid_argument);
  EXPECT_THROW((void)engine->run_in_process({.workload = "yield", .params = {{"tasks", 0}}, .operations = 1}),
               std::invalid_argument);
  EXPECT_THROW((void)engine->run_in_process({.workload = "post", .params = {{"producers", 3}}, .operations = 2}),
               std::invalid_argument);
  EXPECT_THROW((void)engine->run_in_process({.workload = "spawn_join", .operations = 1, .workers = 2}), NotApplicable);
}

}  // namespace
}  // namespace reactorlab::bench
