// Primitives: that each trial does what it times, and that a table survives its file. How long anything takes is nobody's business
// here.
#include "harness/measure/process_setup.hpp"
#include "harness/primitives/measure_primitives.hpp"

#include <cmath>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reactorlab::primitives {
namespace {

using nlohmann::json;
using testing::HasSubstr;

Cpus cpus_here() {
  const auto allowed = measure::allowed_cpus();
  return {.own = allowed.front(), .other = allowed.size() > 1 ? std::optional(allowed[1]) : std::nullopt};
}

MeasureSettings one_batch_each() { return {.cpus = cpus_here(), .time_each = std::chrono::nanoseconds(1), .rounds = 1}; }

TEST(Catalogue, NamesAndSummariesAreThereOnce) {
  std::set<std::string_view> names;
  for (const Known& known : catalogue()) {
    EXPECT_TRUE(names.insert(known.name).second) << known.name;
    EXPECT_FALSE(known.summary.empty()) << known.name;
  }
  EXPECT_EQ(names.size(), 26U);
}

TEST(Catalogue, EveryTrialDoesItsOperations) {
  const auto measured = measure_all(catalogue(), one_batch_each());
  ASSERT_TRUE(measured.has_value());
  ASSERT_EQ(measured->size(), catalogue().size());
  for (const Primitive& one : *measured) {
    if (!one.measured()) {
      EXPECT_TRUE(one.name == "io_uring_enter" || !cpus_here().other) << one.name << ": " << one.not_measured;
      continue;
    }
    EXPECT_GT(one.operations, 0U) << one.name;
    EXPECT_EQ(one.batches, 1U) << one.name;
    EXPECT_GT(one.median_ns, 0) << one.name;
    EXPECT_EQ(one.p99_ns, std::nullopt) << one.name << ": one batch has no 99th percentile";
  }
}

TEST(Catalogue, OneCpuHasNoPrimitivesOfTwo) {
  MeasureSettings settings = one_batch_each();
  settings.cpus.other.reset();
  std::set<std::string> missing;
  const auto measured = measure_all(catalogue(), settings);
  ASSERT_TRUE(measured.has_value());
  for (const Primitive& one : *measured)
    if (one.not_measured.find("two CPUs") != std::string::npos) missing.insert(one.name);
  EXPECT_THAT(missing,
              testing::UnorderedElementsAre("mutex_contended", "atomic_rmw_bounce", "futex_wake_idle_cpu", "futex_wake_hot_cpu",
                                            "eventfd_wake_idle_cpu", "eventfd_wake_hot_cpu", "epoll_wait_blocked"));
}

/// Batches whose truth is known: 2 operations, of 10, 20, 30, ... ns each.
class Known10To1000 final : public Trial {
 public:
  Batch measure() override {
    const double ns = 10.0 * static_cast<double>(next_++ % 100 + 1);
    return {2, 2 * ns, 4 * ns};
  }

 private:
  std::uint64_t next_ = 99;  // the first batch warms up
};

class Broken final : public Trial {
 public:
  Batch measure() override { throw std::system_error(EMFILE, std::system_category(), "epoll_create1"); }
};

const std::vector<Known> kKnown = {
    {"known", "", [](const Cpus&) -> std::unique_ptr<Trial> { return std::make_unique<Known10To1000>(); }},
    {"absent", "", [](const Cpus&) -> std::unique_ptr<Trial> { throw NotMeasurable("no such thing here"); }},
    {"broken", "", [](const Cpus&) -> std::unique_ptr<Trial> { return std::make_unique<Broken>(); }},
};

TEST(MeasureAll, GivesMediansPerOperation) {
  std::vector<std::string> turns;
  MeasureSettings settings = one_batch_each();
  settings.rounds = 3;
  settings.starts = [&](std::string_view name, std::size_t round) { turns.push_back(std::string(name) + std::to_string(round)); };
  const auto measured = measure_all(kKnown, settings);
  ASSERT_TRUE(measured.has_value());
  const Primitive& known = measured->front();
  EXPECT_EQ(known.batches, 3U) << "one a round, the first of which isn't counted";
  EXPECT_EQ(known.operations, 6U);
  EXPECT_DOUBLE_EQ(known.median_ns, 10);
  EXPECT_DOUBLE_EQ(known.cpu_ns.value(), 20);
  EXPECT_EQ((*measured)[1].not_measured, "no such thing here");
  EXPECT_THAT((*measured)[2].not_measured, HasSubstr("epoll_create1"));
  EXPECT_THAT(turns,
              testing::ElementsAre("known0", "absent0", "broken0", "known1", "absent1", "broken1", "known2", "absent2", "broken2"))
      << "interleaved, so that drift meets all of them alike";
}

TEST(MeasureAll, HasATailFrom100BatchesOn) {
  MeasureSettings settings = one_batch_each();
  settings.rounds = 100;
  settings.time_each = std::chrono::nanoseconds(1);
  const std::vector<Known> one = {
      {"one", "", [](const Cpus&) -> std::unique_ptr<Trial> { return std::make_unique<Known10To1000>(); }}};
  const auto measured = measure_all(one, settings);
  ASSERT_TRUE(measured.has_value());
  EXPECT_DOUBLE_EQ(measured->front().p99_ns.value(), 10);
}

TEST(MeasureAll, GivesNothingOnceItIsCancelled) {
  std::atomic<bool> cancel = false;
  std::size_t done = 0;
  MeasureSettings settings = one_batch_each();
  settings.cancel = &cancel;
  settings.done = [&] {
    ++done;
    cancel = true;
  };
  EXPECT_FALSE(measure_all(kKnown, settings).has_value());
  EXPECT_EQ(done, 1U);
}

TEST(MeasureAll, LeavesTheCallersCpusAlone) {
  const auto before = measure::allowed_cpus();
  ASSERT_TRUE(measure_all(kKnown, one_batch_each()).has_value());
  EXPECT_EQ(measure::allowed_cpus(), before);
}

TEST(Quantile, IsTheSmallestValueWithThatShareBelow) {
  std::vector<double> values(200);
  std::iota(values.begin(), values.end(), 1);
  EXPECT_EQ(quantile(values, 0.99), 198);
  EXPECT_EQ(quantile(values, 0), 1);
  EXPECT_EQ(quantile(values, 1), 200);
  EXPECT_EQ(quantile({7}, 0.99), 7);
}

TEST(PrimitiveTable, SurvivesItsFile) {
  const PrimitiveTable table = {
      .machine = {{"cpu_model", "X"}},
      .measured_at = "2026-11-29T08:00:00Z",
      .primitives = {{.name = "syscall", .summary = "in and out", .median_ns = 94, .p99_ns = 120, .operations = 9, .batches = 3},
                     {.name = "futex_wake_same_cpu", .median_ns = 2000, .cpu_ns = 2100},
                     {.name = "io_uring_enter", .not_measured = "none here"}}};
  const PrimitiveTable read = table_from_json(json::parse(to_json(table).dump()), "file");
  EXPECT_EQ(to_json(read), to_json(table));
  EXPECT_EQ(read.machine, table.machine);
  ASSERT_NE(read.find("futex_wake_same_cpu"), nullptr);
  EXPECT_EQ(read.find("futex_wake_same_cpu")->cpu_ns, 2100);
  EXPECT_FALSE(read.find("io_uring_enter")->measured());
  EXPECT_EQ(read.find("nothing"), nullptr);
}

TEST(PrimitiveTable, OfAnotherMachineNeedsLittle) {
  const auto read = table_from_json(json::parse(R"({"schema": 1, "primitives": [{"name": "syscall", "median_ns": 50}]})"), "file");
  EXPECT_EQ(read.find("syscall")->median_ns, 50);
  EXPECT_TRUE(read.machine.empty());
}

TEST(PrimitiveTable, RefusesWhatItIsNot) {
  const auto refusal = [](const char* text) -> std::string {
    try {
      (void)table_from_json(json::parse(text, nullptr, false), "x.json");
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "taken";
  };
  EXPECT_THAT(refusal("{"), HasSubstr("x.json: it is no table of primitives. Name a file that `bench calibrate` wrote"));
  EXPECT_THAT(refusal(R"({"schema": 2, "primitives": []})"), HasSubstr("it has schema 2, this program reads 1"));
  EXPECT_THAT(refusal(R"({"schema": 1, "primitives": [{"name": "syscall"}]})"), HasSubstr("median_ns"));
  EXPECT_THAT(refusal(R"({"schema": 1, "primitives": [{"name": "syscall", "median_ns": -1}]})"), HasSubstr("median_ns is -1"));
  EXPECT_THAT(refusal(R"({"schema": 1, "primitives": [{"name": "a", "median_ns": 1}, {"name": "a", "median_ns": 2}]})"),
              HasSubstr("two primitives 'a'"));
}

}  // namespace
}  // namespace reactorlab::primitives
