// Cells that stop by precision: what a run still has to measure, interrupted or not.
#include "harness/bench/stopping.hpp"

#include "harness/bench/run.hpp"
#include "harness/bench/summary.hpp"
#include "harness/bench/table.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

constexpr std::size_t kRounds = 30;  // looks: 9, 15, 21, 28, 30

class StoppingRun : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(path_);
    RunOptions options;
    options.impls = {"raw_epoll", "thread_local"};
    options.workload = "accept_churn|idle_memory";
    options.tier = "smoke";
    options.seed = 3;
    options.rounds = kRounds;
    options.precision = 1;
    options.out = path_;
    std::vector<std::string> notes;
    run_.emplace(begin_run(options, notes));
  }
  void TearDown() override {
    run_.reset();
    std::filesystem::remove_all(path_);
  }

  /// The one cell is steady, the other one scatters by 20 %.
  [[nodiscard]] Sample sample_of(const Slot& slot) const {
    Sample sample;
    sample.impl = run_->plan.entries[slot.entry].label;
    sample.backend = run_->plan.entries[slot.entry].backend;
    sample.cell = run_->plan.cells[slot.cell];
    sample.round = slot.round;
    sample.position = slot.position;
    sample.verified = true;
    sample.ops = 1000;
    sample.wall_ns = 1'000'000;
    const bool wild = slot.cell == 1 && slot.entry == 1;
    const double cost =
        1000 * (wild ? 1 + 0.2 * static_cast<double>(slot.round * 7 % 5) : 1 + 1e-4 * static_cast<double>(slot.round % 3));
    sample.server_cpu_ns = static_cast<std::uint64_t>(1000 * cost);
    sample.counts["user_bytes"] = cost;
    return sample;
  }
  void measure(std::size_t index) { run_->samples[index] = sample_of(run_->schedule[index]); }
  void measure_rounds(std::size_t rounds) {
    for (std::size_t i = 0; i < run_->schedule.size(); ++i)
      if (run_->schedule[i].round < rounds) measure(i);
  }
  [[nodiscard]] std::set<std::size_t> missing_cells() const {
    std::set<std::size_t> cells;
    for (const std::size_t index : run_->missing()) cells.insert(run_->schedule[index].cell);
    return cells;
  }

  const std::filesystem::path path_ =
      std::filesystem::path(testing::TempDir()) / ("reactorlab-stopping-" + std::to_string(::getpid()));
  std::optional<bench::Run> run_;
};

TEST_F(StoppingRun, ACellThatIsPreciseAtALookNeedsNoMoreRounds) {
  ASSERT_EQ(run_->plan.cells.size(), 2U);
  measure_rounds(8);
  EXPECT_EQ(missing_cells(), (std::set<std::size_t>{0, 1})) << "there is no look at 8";
  measure_rounds(9);
  EXPECT_EQ(missing_cells(), (std::set<std::size_t>{1}));
  measure_rounds(kRounds);
  EXPECT_TRUE(run_->missing().empty());
}

TEST_F(StoppingRun, TheOrderOfMeasuringIsTheSameAfterAnInterruption) {
  std::vector<std::size_t> order;
  for (std::size_t next = 0; next < run_->schedule.size(); ++next) {
    if (run_->is_needless(next)) continue;
    order.push_back(next);
    measure(next);
  }
  std::vector<std::size_t> resumed;  // the run begins anew after each sample
  std::fill(run_->samples.begin(), run_->samples.end(), std::nullopt);
  for (auto missing = run_->missing(); !missing.empty(); missing = run_->missing()) {
    resumed.push_back(missing.front());
    measure(missing.front());
  }
  EXPECT_EQ(resumed, order);
  EXPECT_EQ(order.size(), 2 * (9 + kRounds)) << "the steady cell has 9 rounds";
}

TEST_F(StoppingRun, ASampleThatIsMissingPutsTheLookOff) {
  measure_rounds(9);
  for (std::size_t i = 0; i < run_->schedule.size(); ++i)
    if (run_->schedule[i].cell == 0 && run_->schedule[i].round == 4) run_->samples[i].reset();
  EXPECT_EQ(missing_cells(), (std::set<std::size_t>{0, 1}));
}

TEST_F(StoppingRun, ThePlanKeepsItAndIntervalsAreAsWideAsTheLooksTake) {
  EXPECT_NEAR(*run_->plan.precision, 0.01, 1e-12);
  EXPECT_EQ(to_json(plan_from_json(to_json(run_->plan))), to_json(run_->plan));
  EXPECT_NEAR(confidence_of(run_->plan), 0.99, 1e-12) << "five looks";
  measure_rounds(9);
  const auto rows = summarise(run_->measured(), confidence_of(run_->plan));
  EXPECT_GE(rows[1].cost.ratio.value_or(rows[0].cost.ratio.value_or(measure::Ratio{})).interval->confidence, 0.99);
  EXPECT_NE(table_of(rows, confidence_of(run_->plan)).find("ratio [99 %]"), std::string::npos);
  RunPlan fixed = run_->plan;
  fixed.precision.reset();
  EXPECT_NEAR(confidence_of(fixed), 0.95, 1e-12);
  EXPECT_FALSE(to_json(fixed).contains("precision"));
  EXPECT_EQ(precise_after(fixed, run_->measured_in(0), 9), std::nullopt);
}

}  // namespace
}  // namespace reactorlab::bench
