// Every workload with a server, on every implementation: a real sample, in small.
#include "harness/bench/served_workloads.hpp"

#include "harness/bench/brief_sample.hpp"
#include "harness/bench/usage.hpp"
#include "harness/scenarios/work.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

struct Trial {
  Entry entry;
  Cell cell;
};

std::vector<Trial> trials() {
  std::vector<Trial> all;
  for (const Entry& entry : choose_entries(impls(), {.impls = {"everything"}}).entries) {
    for (const ServedWorkload& workload : served_workloads()) {
      // The other shapes of peers share their servers' parts; each has its own place where the work of a request is done.
      if (!find_impl(entry.impl).info.in_all && workload.name != "cpu_mix") continue;
      Cell cell{std::string(workload.name), workload_of(workload.name).cells.front()};
      for (const auto& [name, most] : Params{{"conns", 6}, {"idle", 20}, {"rate", 500}, {"work", 50}})
        if (const auto found = cell.params.find(name); found != cell.params.end()) found->second = std::min(found->second, most);
      all.push_back({entry, cell});
    }
  }
  return all;
}

class Served : public testing::TestWithParam<Trial> {};

TEST_P(Served, GivesASoundSampleOrSaysWhyItHasNone) {
  const auto& [entry, cell] = GetParam();
  const Sample sample = run_sample(entry, {cell, 0, 0, 7}, brief(bench_binary()));
  EXPECT_EQ(sample.void_reason, "");
  EXPECT_EQ(sample.workers, workers_in(cell, 1));
  if (!sample.applicable()) {
    EXPECT_EQ(find_impl(entry.impl).kind, ImplKind::Peer) << "the homes have all of them: " << sample.not_applicable;
    return;
  }
  EXPECT_TRUE(sample.verified);
  EXPECT_GT(sample.ops, 0U);
  EXPECT_GT(sample.server_cpu_ns, 0U);
  EXPECT_GT(sample.counts.at("cpu_slices").value_or(0), 0);
}

INSTANTIATE_TEST_SUITE_P(Engines, Served, testing::ValuesIn(trials()), [](const auto& instance) {
  std::string name = instance.param.cell.workload + "_" + instance.param.entry.label;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

TEST(ServedWorkloads, LeaveNoSocketBehind) {
  const Cell cell{"unix_echo", {{"conns", 2}, {"payload", 64}}};
  const Entry entry = choose_entries(impls(), {.impls = {"thread_local"}}).entries.front();
  EXPECT_TRUE(run_sample(entry, {cell, 0, 0, 7}, brief(bench_binary())).verified);
  const std::string prefix = "reactorlab-" + std::to_string(::getpid()) + "-";
  for (const auto& file : std::filesystem::directory_iterator(std::filesystem::temp_directory_path()))
    EXPECT_FALSE(file.path().filename().string().starts_with(prefix) && file.path().extension() == ".sock") << file.path();
}

TEST(ServedWorkloads, OneThatNeedsTwoWorkersIsNotApplicableToOne) {
  const Cell skew{"skew", workload_of("skew").cells.front()};
  EXPECT_EQ(workers_in(skew, 1), 2U);
  EXPECT_EQ(workers_in(skew, 4), 4U);
  EXPECT_EQ(workers_in(small_cell().cell, 1), 1U);
  const Entry raw = choose_entries(impls(), {.impls = {"raw_epoll"}}).entries.front();
  EXPECT_EQ(obstacle_to_serving(raw, skew), "it has at most 1 worker, and this takes 2");
  EXPECT_EQ(obstacle_to_serving(raw, small_cell().cell), std::nullopt);
  Entry external = raw;
  external.external = std::make_shared<const ExternalEngine>();
  EXPECT_NE(obstacle_to_serving(external, {"cpu_mix", {}}).value_or("").find("another language"), std::string::npos);
}

TEST(Work, IsOnlyDoneForWhoAsksForItInWords) {
  char bytes[64] = {};
  work::Request request{.magic = work::kMagic, .units = 1};
  std::memcpy(bytes, &request, sizeof request);
  EXPECT_TRUE(work::do_requested(bytes, sizeof bytes));
  EXPECT_FALSE(work::do_requested(bytes, sizeof request - 1)) << "half a request";
  request.units = work::kMostUnits + 1;
  std::memcpy(bytes, &request, sizeof request);
  EXPECT_FALSE(work::do_requested(bytes, sizeof bytes)) << "more than anybody may ask for";
  request = {.magic = work::kMagic + 1, .units = 1};
  std::memcpy(bytes, &request, sizeof request);
  EXPECT_FALSE(work::do_requested(bytes, sizeof bytes)) << "no request";
  EXPECT_TRUE(work::do_requested_if_any(bytes, sizeof bytes)) << "this process serves no such requests";
}

}  // namespace
}  // namespace reactorlab::bench
