// bench judge: a stored run, judged again.
#include "harness/bench/captured_program.hpp"
#include "harness/bench/noise_gate.hpp"
#include "harness/bench/run_plan.hpp"
#include "harness/bench/schedule.hpp"
#include "harness/bench/stored_run.hpp"
#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Six rounds of two entries, of which one was noisy.
class JudgeVerb : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_);
    RunPlan plan;
    plan.entries = {{"thread_local", "thread_local", "epoll", "", 1}, {"raw_epoll", "raw_epoll", "epoll", "", 1}};
    plan.cells = {{"accept_churn", {{"conns", 16}, {"payload", 64}}}};
    plan.tier = "standard";
    plan.rounds = 6;
    write("provenance.json", {{"schema", kSchema}, {"digest", "d1"}, {"plan", to_json(plan)}});
    std::ofstream lines(folder_ / "samples.jsonl");
    for (const Slot& slot : schedule_of(plan)) lines << to_json(sample_for(plan, slot)).dump() << '\n';
    write("summary.json", {{"partial", false}});
  }
  void TearDown() override { fs::remove_all(folder_); }

  static Sample sample_for(const RunPlan& plan, const Slot& slot) {
    Sample sample;
    sample.impl = plan.entries[slot.entry].label;
    sample.backend = "epoll";
    sample.cell = plan.cells[slot.cell];
    sample.round = slot.round;
    sample.position = slot.position;
    sample.ops = 1000;
    sample.wall_ns = 1'000'000;
    sample.server_cpu_ns = slot.entry == 0 ? 900'000 : 600'000;
    sample.verified = true;
    sample.provenance = "d1";
    sample.noise.emplace().elapsed_ns = 1'000'000'000;
    sample.noise->cpus = 2;
    sample.noise->others_cpu_ns = slot.round == 3 ? 1'000'000'000 : 0;
    return sample;
  }
  void write(const char* name, const json& content) const { std::ofstream(folder_ / name) << content.dump(); }
  [[nodiscard]] json summary() const { return json::parse(text_of(folder_ / "summary.json")); }
  int judge() {
    const CapturedEnd end = run_captured({"judge", "--no-charts", folder_.string()});
    errors_ = end.errors;
    return end.status;
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("reactorlab-judge-" + std::to_string(::getpid()));
  std::string errors_;
};

TEST_F(JudgeVerb, RewritesTheSummaryByThisProgramsGates) {
  const std::string before = text_of(folder_ / "samples.jsonl");
  ASSERT_EQ(judge(), kExitOk) << errors_;
  const json summary = this->summary();
  EXPECT_EQ(summary.at("partial"), false);
  EXPECT_EQ(summary.at("provenance"), "d1");
  EXPECT_EQ(summary.at("rounds_planned"), 6);
  EXPECT_EQ(summary.at("noise").at("excluded").size(), 1U);
  EXPECT_EQ(summary.at("noise").at("limits").at("canary_slower"), noise_limits::kCanarySlower);
  ASSERT_EQ(summary.at("rows").size(), 2U);
  for (const json& row : summary.at("rows")) {
    EXPECT_EQ(row.at("rounds"), 5);
    EXPECT_DOUBLE_EQ(row.at("value").at("median"), row.at("impl") == "thread_local" ? 900.0 : 600.0);
  }
  EXPECT_EQ(text_of(folder_ / "samples.jsonl"), before) << "what was measured stays";
}

TEST_F(JudgeVerb, RefusesWhatIsNoFinishedRun) {
  write("summary.json", {{"partial", true}});
  EXPECT_EQ(judge(), kExitFailure);
  EXPECT_NE(errors_.find("--resume="), std::string::npos) << errors_;
  EXPECT_EQ(summary(), json({{"partial", true}}));
  fs::remove(folder_ / "samples.jsonl");
  EXPECT_EQ(judge(), kExitFailure);
}

}  // namespace
}  // namespace reactorlab::bench
