// The definitions: all complete, each with its code, and the errors of one that isn't.
#include "harness/bench/workload.hpp"

#include "core/runtime.hpp"
#include "harness/bench/served_workloads.hpp"
#include "harness/bench/variants_in_process.hpp"
#include "harness/bench/workload_file.hpp"
#include "harness/bench/workload_text.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace reactorlab::bench {
namespace {

using testing::HasSubstr;

std::vector<std::string> defined(bool in_process) {
  std::vector<std::string> names;
  for (const Workload& workload : workloads())
    if (workload.in_process == in_process) names.push_back(workload.name);
  return names;
}

TEST(Workloads, EveryDefinitionHasItsCodeAndTheReverse) {
  EXPECT_THAT(variant_scenarios(), testing::UnorderedElementsAreArray(defined(true)));
  std::vector<std::string_view> served;
  for (const ServedWorkload& workload : served_workloads()) served.push_back(workload.name);
  EXPECT_THAT(served, testing::UnorderedElementsAreArray(defined(false)));
}

TEST(Workloads, AreGroupedByFamilyAndNamedOnce) {
  std::set<std::string> names;
  std::vector<Family> families;
  for (const Workload& workload : workloads()) {
    EXPECT_TRUE(names.insert(workload.name).second) << workload.name;
    families.push_back(workload.family);
  }
  EXPECT_TRUE(std::is_sorted(families.begin(), families.end()));
  EXPECT_EQ(names.size(), workload_files().size());
  EXPECT_FALSE(is_workload("no_such_workload"));
  EXPECT_THROW((void)workload_of("no_such_workload"), std::out_of_range);
}

/// Whoever publishes a prediction names homes that there are, each once and all of them.
TEST(Workloads, HypothesesPlaceEveryHomeOnce) {
  for (const Workload& workload : workloads()) {
    std::vector<std::string> placed;
    for (const auto& group : workload.hypothesis.order) placed.insert(placed.end(), group.begin(), group.end());
    if (placed.empty()) continue;  // no order is expected
    EXPECT_THAT(placed, testing::UnorderedElementsAreArray(runtime_names())) << workload.name;
  }
}

TEST(Workloads, CanBeReadInFull) {
  for (const Workload& workload : workloads()) {
    const std::string text = text_about(workload);
    for (const std::string& part : {workload.name, std::string(to_string(workload.family)), workload.hypothesis.written})
      EXPECT_THAT(text, HasSubstr(part));
    for (const auto& [name, usual] : workload.usual) EXPECT_THAT(text, HasSubstr(name + ": ")) << workload.name;
    EXPECT_EQ(json_of(workload).at("hypothesis").at("because"), workload.hypothesis.because);
    EXPECT_THAT(line_about(workload), HasSubstr(workload.summary));
  }
}

/// A definition that is right.
nlohmann::ordered_json sound() {
  return nlohmann::ordered_json::parse(R"({
    "name": "x", "family": "timers", "topology": "t1", "operation": "message", "summary": "s", "isolates": "i",
    "metric": "wall_ns_per_op", "has_latency": true, "in_process": {"operations": 5, "foreign_threads": true},
    "params": {"n": {"usual": 3, "means": "m"}, "a": {"usual": 0, "means": "m"}},
    "cells": [{"n": [1, 2], "a": [0, 7]}, {"n": 9, "a": 9}], "answer": "a",
    "hypothesis": {"order": [["thread_local"], ["arc_mutex"]], "because": "b", "source": "c", "written": "2026-11-29"}})");
}

Workload read(const nlohmann::ordered_json& definition) {
  const std::string text = definition.dump();
  return workload_from({"x.json", text});
}

TEST(WorkloadFile, GivesWhatItSays) {
  const Workload x = read(sound());
  EXPECT_EQ(x.family, Family::Timers);
  EXPECT_EQ(x.metric, Metric::Wall);
  EXPECT_TRUE(x.in_process);
  EXPECT_EQ(x.operations, 5U);
  EXPECT_EQ(x.usual, (Params{{"a", 0}, {"n", 3}}));
  ASSERT_EQ(x.cells.size(), 5U);
  EXPECT_EQ(x.cells[1], (Params{{"a", 7}, {"n", 1}})) << "the first name varies slowest";
  EXPECT_EQ(x.hypothesis.order.size(), 2U);
}

TEST(WorkloadFile, ErrorsNameTheFileAndTheField) {
  struct Damage {
    std::function<void(nlohmann::ordered_json&)> apply;
    std::string said;
  };
  using json = nlohmann::ordered_json;
  const std::vector<Damage> damages = {
      {[](json& x) { x.erase("isolates"); }, "x.json: isolates: is missing"},
      {[](json& x) { x["summary"] = ""; }, "x.json: summary: has to be"},
      {[](json& x) { x["name"] = "y"; }, "x.json: name: has to be"},
      {[](json& x) { x["family"] = "timer"; }, "did you mean 'timers'?"},
      {[](json& x) { x["metric"] = 3; }, "x.json: metric: has to be"},
      {[](json& x) { x["has_latency"] = 1; }, "x.json: has_latency: has to be"},
      {[](json& x) { x["sumary"] = "s"; }, "unknown field 'sumary'; did you mean 'summary'?"},
      {[](json& x) { x["in_process"]["operations"] = 0; }, "x.json: in_process: operations: has to be"},
      {[](json& x) { x["params"]["n"].erase("means"); }, "x.json: params.n: means: is missing"},
      {[](json& x) { x["params"]["n"]["usual"] = -1; }, "x.json: params.n: usual: has to be"},
      {[](json& x) { x["cells"] = json::array(); }, "x.json: cells: has to be"},
      {[](json& x) { x["cells"][1].erase("n"); }, "x.json: cells[1].n: is missing"},
      {[](json& x) { x["cells"][0]["b"] = 1; }, "x.json: cells[0].b: isn't among the params"},
      {[](json& x) { x["cells"][0]["n"] = "1"; }, "x.json: cells[0].n: has to be"},
      {[](json& x) {
         x["cells"][1] = {{"n", 1}, {"a", 7}};
       },
       "x.json: cells[1]: has 'x: a 7, n 1' a second time"},
      {[](json& x) { x["hypothesis"]["order"] = {"thread_local"}; }, "x.json: hypothesis: order: has to be"},
      {[](json& x) { x["hypothesis"]["written"] = "today"; }, "x.json: hypothesis: written: has to be"},
      {[](json& x) { x["hypothesis"].erase("source"); }, "x.json: hypothesis: source: is missing"}};
  for (const Damage& damage : damages) {
    nlohmann::ordered_json definition = sound();
    damage.apply(definition);
    try {
      (void)read(definition);
      ADD_FAILURE() << damage.said;
    } catch (const DefinitionError& error) {
      EXPECT_THAT(error.what(), HasSubstr(damage.said));
    }
  }
  EXPECT_THROW((void)workload_from({"x.json", "{"}), DefinitionError);
  EXPECT_THROW((void)workload_from({"x.json", "[]"}), DefinitionError);
}

}  // namespace
}  // namespace reactorlab::bench
