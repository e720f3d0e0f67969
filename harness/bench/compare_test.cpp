// bench compare on small synthetic runs whose truth is known: every exit status, and what is said with it.
#include "harness/bench/compare_verb.hpp"

#include "harness/bench/captured_program.hpp"
#include "harness/bench/stored_run.hpp"
#include "harness/bench/usage.hpp"
#include "harness/measure/host_facts.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// What a synthetic run measures: costs per operation, the same scatter around each every time.
struct Truth {
  double cpu_ns = 1000;
  double scatter = 0.002;
  std::string impl = "arc_mutex";
  std::size_t rounds = 9;
  double drift = 0;  ///< by so much every round is dearer than the one before
};

Sample sample_of(const Truth& truth, std::size_t round) {
  Sample s;
  s.impl = truth.impl;
  s.backend = "epoll";
  s.cell = {"tcp_echo", {{"conns", 64}, {"payload", 64}, {"pipeline", 1}}};
  s.round = round;
  s.verified = true;
  s.ops = 1'000'000;
  s.wall_ns = 2'000'000'000;
  const double place = std::remainder(static_cast<double>(round * 5 + truth.impl.size()), 9) / 4;  // -1 to 1, in no order
  const double cost = truth.cpu_ns * (1 + truth.scatter * place) * (1 + truth.drift * static_cast<double>(round));
  s.server_cpu_ns = static_cast<std::uint64_t>(cost * 1e6);
  return s;
}

std::vector<Sample> samples_of(const std::vector<Truth>& truths) {
  std::vector<Sample> samples;
  for (std::size_t round = 0; round < truths.front().rounds; ++round)
    for (const Truth& truth : truths) samples.push_back(sample_of(truth, round));
  return samples;
}

class Compare : public testing::Test {
 protected:
  void SetUp() override { fs::remove_all(scratch_); }
  void TearDown() override { fs::remove_all(scratch_); }

  std::string folder(const std::string& name, const std::vector<Sample>& samples) {
    fs::create_directories(scratch_ / name);
    std::ofstream lines(scratch_ / name / "samples.jsonl");
    for (const Sample& sample : samples) lines << to_json(sample).dump() << "\n";
    std::ofstream(scratch_ / name / "provenance.json")
        << R"({"machine": {"kernel": "one"}, "build": {"commit": "0123456789abcdef"}})";
    return (scratch_ / name).string();
  }
  std::string folder(const std::string& name, const std::vector<Truth>& truths) { return folder(name, samples_of(truths)); }

  /// The exit status; output_ and errors_ are what was printed.
  int compare(std::vector<std::string> words) {
    words.insert(words.begin(), "compare");
    const CapturedEnd end = run_captured(std::move(words));
    output_ = end.output;
    errors_ = end.errors;
    return end.status;
  }

  const fs::path scratch_ = fs::path(testing::TempDir()) / ("reactorlab-compare-" + std::to_string(::getpid()));
  std::string output_, errors_;
};

const std::string kGate = "--gate=cpu_ns_per_op<=1.03";

TEST_F(Compare, PassesWhereTheWholeIntervalKeepsTheLimit) {
  const std::string a = folder("a", std::vector<Truth>{{}}), b = folder("b", std::vector<Truth>{{.cpu_ns = 1010}});
  EXPECT_EQ(compare({a, b, kGate}), kExitOk) << errors_;
  EXPECT_THAT(output_, HasSubstr("1 of 1 comparisons pass"));
  EXPECT_THAT(output_, HasSubstr("1.010 ["));
  EXPECT_THAT(output_, HasSubstr("equivalent"));
  EXPECT_EQ(errors_, "");
}

TEST_F(Compare, TwoRunsWereNotInterleavedAndItSaysSo) {
  const std::string a = folder("a", std::vector<Truth>{{}}), b = folder("b", std::vector<Truth>{{.cpu_ns = 1010}});
  EXPECT_EQ(compare({a, b}), kExitOk) << "without a gate it only tells";
  EXPECT_THAT(output_, HasSubstr("were not interleaved"));
  EXPECT_THAT(output_, HasSubstr("9 rounds, commit 0123456789ab"));
  EXPECT_EQ(output_.find("different machines"), std::string::npos);
  std::ofstream(fs::path(b) / "provenance.json") << R"({"machine": {"kernel": "another"}})";
  EXPECT_EQ(compare({a, b}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("different machines, or it has changed: kernel"));
}

TEST_F(Compare, FailsWhereTheWholeIntervalIsBeyondTheLimit) {
  const std::string a = folder("a", std::vector<Truth>{{}}), b = folder("b", std::vector<Truth>{{.cpu_ns = 1200}});
  EXPECT_EQ(compare({a, b, kGate}), kExitRegression);
  EXPECT_THAT(output_, HasSubstr("regression    arc_mutex in tcp_echo: 64 conns, 64 B, pipeline 1: 1.200 ["));
  EXPECT_THAT(output_, HasSubstr("slower"));
  EXPECT_THAT(errors_, HasSubstr("regression: 1 comparison is beyond the limit"));
  EXPECT_EQ(compare({b, a, kGate}), kExitOk) << "the other way round it is faster";
}

TEST_F(Compare, IsInconclusiveWhereTheLimitIsInsideTheIntervalOrThereIsNone) {
  const std::string a = folder("a", std::vector<Truth>{{.scatter = 0.1}});
  const std::string b = folder("b", std::vector<Truth>{{.cpu_ns = 1030, .scatter = 0.1}});
  EXPECT_EQ(compare({a, b, kGate}), kExitInconclusive);
  EXPECT_THAT(errors_, HasSubstr("Measure more rounds"));
  EXPECT_THAT(output_, HasSubstr("inconclusive (detectable: 1."));
  const std::string few = folder("few", std::vector<Truth>{{.cpu_ns = 3000, .rounds = 5}});
  EXPECT_EQ(compare({a, few, kGate}), kExitInconclusive) << "five rounds have no interval, whatever they say";
}

TEST_F(Compare, UsageErrorsNameWhatThereIs) {
  const std::string a = folder("a", std::vector<Truth>{{}}), b = folder("b", std::vector<Truth>{{}});
  EXPECT_EQ(compare({a, b, "--gate=cpu_ns_per_opp<=1.03"}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("did you mean 'cpu_ns_per_op'?"));
  EXPECT_EQ(compare({a, b, "--gate=cpu_ns_per_op"}), kExitUsage);
  EXPECT_EQ(compare({a, b, "--engine=arc_mutx"}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("did you mean 'arc_mutex'?"));
  EXPECT_EQ(compare({a, b, "--vs=nobody"}), kExitUsage);
  EXPECT_EQ(compare({a, b, "--workload=tcp_ehco"}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("did you mean 'tcp_echo'?"));
  EXPECT_EQ(compare({a, b, "--workload=("}), kExitUsage);
  EXPECT_EQ(compare({a}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("--vs=ENTRY"));
  EXPECT_EQ(compare({a, a}), kExitUsage) << "one run under two names is one run";
  EXPECT_EQ(compare({}), kExitUsage);
  EXPECT_EQ(compare({a, b, b}), kExitUsage);
  EXPECT_EQ(compare({a, b, "--no-such-flag"}), kExitUsage);
}

TEST_F(Compare, NothingToCompareIsNeitherAPassNorARegression) {
  const std::string a = folder("a", std::vector<Truth>{{}}), other = folder("other", std::vector<Truth>{{.impl = "asio"}});
  EXPECT_EQ(compare({a, (scratch_ / "nowhere").string()}), kExitNotComparable);
  EXPECT_THAT(errors_, HasSubstr("there is no such folder"));
  EXPECT_EQ(compare({a, other}), kExitNotComparable);
  EXPECT_THAT(errors_, HasSubstr("no entry and workload in common"));
  EXPECT_THAT(errors_, HasSubstr("only A has arc_mutex in tcp_echo"));
  EXPECT_EQ(compare({a, other, "--vs=arc_mutex"}), kExitOk) << "unless it is said with whom";
  fs::create_directories(scratch_ / "empty");
  EXPECT_EQ(compare({a, (scratch_ / "empty").string()}), kExitNotComparable);
  EXPECT_THAT(errors_, HasSubstr("samples.jsonl: there is no such file"));
  std::ofstream(scratch_ / "empty" / "samples.jsonl") << "garbage\n";
  EXPECT_EQ(compare({a, (scratch_ / "empty").string()}), kExitNotComparable);
  EXPECT_THAT(errors_, HasSubstr("it holds no sample"));
  std::ofstream(scratch_ / "empty" / "samples.jsonl") << R"({"schema": 1, "impl": "arc_mutex"})"
                                                      << "\n";
  EXPECT_EQ(compare({a, (scratch_ / "empty").string()}), kExitNotComparable);
  EXPECT_THAT(errors_, HasSubstr("it has schema 1"));
}

TEST_F(Compare, TwoRunsInOneFileAreRefused) {
  std::vector<Sample> twice = samples_of({{}});
  twice.push_back(twice.front());
  const std::string a = folder("a", std::vector<Truth>{{}}), merged = folder("merged", twice);
  EXPECT_EQ(compare({a, merged}), kExitNotComparable);
  EXPECT_THAT(errors_, HasSubstr("two samples of arc_mutex in round 0"));
}

std::vector<Sample> voided(std::vector<Sample> samples, const std::string& impl) {
  for (Sample& sample : samples)
    if (sample.impl == impl) sample.void_reason = "byte 7 came back wrong";
  return samples;
}

TEST_F(Compare, VoidSamplesPassNoGate) {
  const std::vector<Truth> two = {{}, {.impl = "asio"}};
  const std::string a = folder("a", two), b = folder("b", voided(samples_of(two), "asio"));
  EXPECT_EQ(compare({a, b}), kExitOk) << "the rest was compared";
  EXPECT_THAT(errors_,
              HasSubstr("asio in tcp_echo: 64 conns, 64 B, pipeline 1: every sample of B is void (byte 7 came back wrong)"));
  EXPECT_EQ(compare({a, b, kGate}), kExitNotComparable);
  EXPECT_EQ(compare({a, b, kGate, "--engine=arc_mutex"}), kExitOk);
  EXPECT_EQ(compare({a, folder("c", voided(samples_of({{}}), "arc_mutex"))}), kExitNotComparable) << "nothing is left";
  const std::string slow = folder("slow", voided(samples_of({{.cpu_ns = 2000}, {.impl = "asio"}}), "asio"));
  EXPECT_EQ(compare({a, slow, kGate}), kExitRegression) << "what is proven is proven";
}

TEST_F(Compare, AGateNeedsItsMetric) {
  const std::string a = folder("a", std::vector<Truth>{{}}), b = folder("b", std::vector<Truth>{{}});
  EXPECT_EQ(compare({a, b, "--gate=p99_ns<=1.5"}), kExitNotComparable);
  EXPECT_THAT(errors_, HasSubstr("no workload that was compared has p99_ns"));
  std::vector<Sample> with_tail = samples_of({{}});
  for (Sample& sample : with_tail) sample.p99_ns = 50'000;
  const std::string tail = folder("tail", with_tail);
  EXPECT_EQ(compare({tail, b, "--gate=p99_ns<=1.5"}), kExitNotComparable);
  EXPECT_THAT(errors_, HasSubstr("p99_ns is missing in B"));
  EXPECT_EQ(compare({tail, tail, "--vs=arc_mutex", "--gate=p99_ns<=1.5"}), kExitNotComparable) << "nobody but itself";
  EXPECT_EQ(compare({a, b, "--gate=ops_per_s>=0.97", kGate}), kExitOk) << "several gates, all of which pass";
  EXPECT_EQ(compare({a, b, "--gate=ops_per_s>=1.01", kGate}), kExitRegression) << "one of which doesn't";
}

TEST_F(Compare, EntriesOfOneRunArePairedRoundByRound) {
  const std::vector<Truth> drifting = {{.impl = "raw_epoll", .drift = 1}, {.cpu_ns = 1100, .drift = 1}};
  const std::string run = folder("run", drifting);
  EXPECT_EQ(compare({run, "--engine=arc_mutex", "--vs=raw_epoll", kGate}), kExitRegression);
  EXPECT_THAT(output_, HasSubstr("so they are pairs"));
  EXPECT_THAT(output_, HasSubstr("slower")) << "tenfold drift: only pairing survives it";
  EXPECT_EQ(output_.find("not interleaved"), std::string::npos);
  EXPECT_EQ(compare({run, "--engine=raw_epoll", "--vs=arc_mutex", kGate}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("faster"));
  EXPECT_EQ(compare({folder("b", drifting), run, "--engine=arc_mutex", kGate}), kExitInconclusive) << "two runs have no pairs";
}

TEST_F(Compare, SeveralCellsHaveAGeometricMean) {
  const auto in_two_cells = [](double ratio) {
    std::vector<Sample> samples = samples_of({{.cpu_ns = 1000 * ratio}});
    for (Sample sample : samples_of({{.cpu_ns = 1000 * ratio * ratio}})) {
      sample.cell.params["conns"] = 1;
      samples.push_back(sample);
    }
    return samples;
  };
  const std::string a = folder("a", in_two_cells(1)), b = folder("b", in_two_cells(1.1));
  EXPECT_EQ(compare({a, b}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("arc_mutex  1.154 [")) << "the root of 1.1 x 1.21";
  EXPECT_THAT(output_, HasSubstr("over 2 cells"));
}

TEST_F(Compare, DamagedLinesAreNamedAndLeftOut) {
  const std::string a = folder("a", std::vector<Truth>{{}}), b = folder("b", std::vector<Truth>{{.rounds = 8}});
  std::ofstream(fs::path(b) / "samples.jsonl", std::ios::app) << R"({"schema": 2, "impl": "arc_)";
  EXPECT_EQ(compare({a, b, kGate}), kExitOk);
  EXPECT_THAT(errors_, HasSubstr("samples.jsonl:9: not JSON"));
}

TEST(StoredRun, ReadsWhatWasPublished) {
  const fs::path results = fs::path(measure::source_folder()) / "results";
  if (!fs::is_directory(results)) GTEST_SKIP() << "the sources aren't here";
  std::size_t runs = 0;
  for (const auto& entry : fs::directory_iterator(results)) {
    if (!fs::exists(entry.path() / "samples.jsonl")) continue;
    const StoredRun run = load_run(entry.path());
    EXPECT_TRUE(run.damage.empty()) << entry.path();
    const std::string first = run.samples.front().impl;
    const auto other = std::find_if(run.samples.begin(), run.samples.end(), [&](const Sample& one) {
      return one.impl != first && one.applicable() && one.cell == run.samples.front().cell;
    });
    ASSERT_NE(other, run.samples.end()) << entry.path();
    const Pairing pairing = pair_up(run, run, {.engines = {first}, .vs = other->impl});
    EXPECT_TRUE(pairing.unusable.empty()) << entry.path();
    ASSERT_FALSE(pairing.cells.empty()) << entry.path();
    EXPECT_TRUE(bench::compare(pairing.cells.front(), cost_figure(pairing.cells.front().cell), true).front().has_value());
    ++runs;
  }
  EXPECT_GE(runs, 1U);
}

}  // namespace
}  // namespace reactorlab::bench
