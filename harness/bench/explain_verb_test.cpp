// bench explain on made-up runs and primitives: every exit status, and what is said with it.
#include "harness/bench/explain_verb.hpp"

#include "harness/bench/captured_program.hpp"
#include "harness/bench/sample.hpp"
#include "harness/bench/usage.hpp"
#include "harness/primitives/primitive.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

/// Costs and counts of an operation, the same in nine rounds but for a scatter that no difference has.
struct Truth {
  std::string impl;
  double cpu_ns;
  std::map<std::string, std::optional<double>> counts;
  std::string workload = "tcp_echo";
};

/// Waits cost 200 ns more than 1000, a park 2100.
const Truth kLocal = {"thread_local", 1200, {{"turns", 1}, {"voluntary_switches", 0}, {"worker_parks", 0}}};
const Truth kDedicated = {"dedicated_thread", 3300, {{"turns", 1}, {"voluntary_switches", 1}, {"worker_parks", 1}}};

Sample sample_of(const Truth& truth, std::size_t round) {
  Sample s;
  s.impl = truth.impl;
  s.backend = "epoll";
  s.cell = {truth.workload, truth.workload == "tcp_echo" ? Params{{"conns", 64}, {"payload", 64}, {"pipeline", 1}} : Params{}};
  s.round = round;
  s.verified = true;
  s.ops = 1'000'000;
  s.wall_ns = 2'000'000'000;
  s.server_cpu_ns = static_cast<std::uint64_t>((truth.cpu_ns + static_cast<double>(round)) * 1e6);
  s.counts = truth.counts;
  return s;
}

class Explain : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  void write_run(const std::vector<Truth>& truths) {
    std::ofstream lines(folder_ / "samples.jsonl");
    for (std::size_t round = 0; round < 9; ++round)
      for (const Truth& truth : truths) lines << to_json(sample_of(truth, round)).dump() << "\n";
    std::ofstream(folder_ / "provenance.json") << R"({"machine": {"cpu_model": "X", "kernel": "one"}})";
  }
  void write_primitives(const std::string& cpu = "X", const std::string& extra = "") {
    json file =
        to_json(primitives::PrimitiveTable{.machine = {{"cpu_model", cpu}, {"kernel", "one"}},
                                           .measured_at = "2026-11-29T08:00:00Z",
                                           .primitives = {{.name = "epoll_wait_ready", .median_ns = 200},
                                                          {.name = "epoll_wait_blocked", .median_ns = 9000, .cpu_ns = 900},
                                                          {.name = "futex_wake_same_cpu", .median_ns = 2000, .cpu_ns = 2100}}});
    if (!extra.empty()) file["primitives"].push_back({{"name", extra}, {"median_ns", 1}});
    std::ofstream(folder_ / "primitives.json") << file.dump();
  }

  int explain(std::vector<std::string> words) {
    words.insert(words.begin(), {"explain", "--results=" + folder_.string()});
    const CapturedEnd end = run_captured(std::move(words));
    output_ = end.output;
    errors_ = end.errors;
    return end.status;
  }
  int explain_usual() { return explain({"dedicated_thread", "--vs=thread_local", "--workload=tcp_echo"}); }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("reactorlab-explain-" + std::to_string(::getpid()));
  std::string output_, errors_;
};

TEST_F(Explain, PredictsADifferenceByItsCounts) {
  write_run({kLocal, kDedicated});
  write_primitives();
  EXPECT_EQ(explain_usual(), kExitOk) << errors_;
  EXPECT_THAT(output_, HasSubstr("A dedicated_thread, B thread_local"));
  EXPECT_THAT(output_, HasSubstr("measured    +2100.0 ns [+2100.0, +2100.0], predicted +2100.0 ns, residual +0.0 ns (0 %)"));
  EXPECT_THAT(output_, HasSubstr("Difference: explained"));
  EXPECT_THAT(output_, HasSubstr("2026-11-29T08:00:00Z"));
  EXPECT_EQ(errors_, "");
}

TEST_F(Explain, SaysWhatItCannotExplain) {
  Truth dear = kDedicated;
  dear.cpu_ns = 9000;
  write_run({kLocal, dear});
  write_primitives();
  EXPECT_EQ(explain_usual(), kExitUnexplained);
  EXPECT_THAT(output_, HasSubstr("Difference: unexplained"));
  EXPECT_THAT(output_, HasSubstr("residual +5700.0 ns (73 %)"));
}

TEST_F(Explain, NoDifferenceIsInconclusive) {
  Truth same = kLocal;
  same.impl = "dedicated_thread";
  write_run({kLocal, same});
  write_primitives();
  EXPECT_EQ(explain_usual(), kExitInconclusive);
  EXPECT_THAT(output_, HasSubstr("can't be told from 0"));
}

TEST_F(Explain, PrimitivesOfAnotherMachinePredictAndJudgeNothing) {
  Truth dear = kDedicated;
  dear.cpu_ns = 9000;
  write_run({kLocal, dear});
  write_primitives("Y");
  EXPECT_EQ(explain_usual(), kExitOk);
  EXPECT_THAT(output_, HasSubstr("of another machine (cpu_model)"));
  EXPECT_THAT(output_, HasSubstr("predicted +2100.0 ns"));
  EXPECT_THAT(output_, HasSubstr("not judged"));
  EXPECT_EQ(output_.find("unexplained"), std::string::npos);
}

TEST_F(Explain, UsageErrorsNameWhatThereIs) {
  write_run({kLocal, kDedicated});
  EXPECT_EQ(explain_usual(), kExitUsage) << "primitives.json is nowhere";
  EXPECT_THAT(errors_, HasSubstr("`bench calibrate`"));
  write_primitives();
  EXPECT_EQ(explain({"dedicated_tread", "--vs=thread_local", "--workload=tcp_echo"}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("did you mean 'dedicated_thread'?"));
  EXPECT_EQ(explain({"dedicated_thread", "--vs=thread_locl", "--workload=tcp_echo"}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("did you mean 'thread_local'?"));
  EXPECT_EQ(explain({"dedicated_thread", "--vs=thread_local", "--workload=tcp_ehco"}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("did you mean 'tcp_echo'?"));
  EXPECT_EQ(explain({"thread_local", "--vs=thread_local", "--workload=tcp_echo"}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("'thread_local' twice"));
  EXPECT_EQ(explain({"dedicated_thread", "--workload=tcp_echo"}), kExitUsage);
  EXPECT_EQ(explain({"dedicated_thread", "--vs=thread_local"}), kExitUsage);
  EXPECT_EQ(explain({"dedicated_thread", "--vs=thread_local", "--workload=tcp_echo", "--primitive=x"}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("did you mean '--primitives'?"));
}

TEST_F(Explain, WithoutDataThereIsNothingToExplain) {
  EXPECT_EQ(explain_usual(), kExitNotComparable);
  EXPECT_THAT(errors_, HasSubstr("samples.jsonl: there is no such file"));
  Truth silent = kLocal;
  silent.counts = {{"syscalls", std::nullopt}};
  write_run({silent, kDedicated});
  write_primitives();
  EXPECT_EQ(explain_usual(), kExitNotComparable);
  EXPECT_THAT(output_, HasSubstr("n/a: there is no count of thread_local"));
  EXPECT_THAT(errors_, HasSubstr("scripts/counts"));
  EXPECT_EQ(explain({"dedicated_thread", "--vs=thread_local", "--workload=tcp_echo", "--primitives=/nowhere.json"}),
            kExitNotComparable);
  EXPECT_THAT(errors_, HasSubstr("/nowhere.json: there is no such file"));
  std::ofstream(folder_ / "primitives.json") << "{";
  EXPECT_EQ(explain_usual(), kExitNotComparable);
  EXPECT_THAT(errors_, HasSubstr("it is no table of primitives"));
}

TEST_F(Explain, ReadsCountsBesideTheSamples) {
  Truth silent = kLocal, loud = kDedicated;
  silent.counts = loud.counts = {{"syscalls", std::nullopt}};
  loud.cpu_ns = 1400;
  write_run({silent, loud});
  write_primitives();
  std::ofstream(folder_ / "counts.json")
      << R"({"schema": 1, "workload": "tcp_echo", "params": {"conns": 64, "payload": 64, "pipeline": 1},
    "workers": 1, "rows": [{"server": "thread_local", "syscalls": 1, "syscalls_by_name": {"epoll_wait": 1}},
                           {"server": "dedicated_thread", "syscalls": 2, "syscalls_by_name": {"epoll_wait": 2}}]})";
  EXPECT_EQ(explain_usual(), kExitOk) << output_ << errors_;
  EXPECT_THAT(output_, HasSubstr("counted in a run of its own"));
  EXPECT_THAT(output_, HasSubstr("predicted +200.0 ns"));
  EXPECT_EQ(explain({"dedicated_thread", "--vs=thread_local", "--workload=tcp_echo",
                     "--counts=" + (folder_ / "provenance.json").string()}),
            kExitNotComparable);
  EXPECT_THAT(errors_, HasSubstr("it holds no counts"));
}

TEST_F(Explain, MemoryIsNoTime) {
  Truth a = kLocal, b = kDedicated;
  a.workload = b.workload = "idle_memory";
  a.counts["user_bytes"] = b.counts["user_bytes"] = 200;
  write_run({a, b});
  write_primitives();
  EXPECT_EQ(explain({"dedicated_thread", "--vs=thread_local", "--workload=idle_memory"}), kExitNotComparable);
  EXPECT_THAT(output_, HasSubstr("it is about memory, and primitives are times"));
}

TEST_F(Explain, AnUnknownPrimitiveIsNamed) {
  write_run({kLocal, kDedicated});
  write_primitives("X", "epoll_wait_redy");
  EXPECT_EQ(explain_usual(), kExitOk);
  EXPECT_THAT(errors_, HasSubstr("did you mean 'epoll_wait_ready'?"));
}

}  // namespace
}  // namespace reactorlab::bench
