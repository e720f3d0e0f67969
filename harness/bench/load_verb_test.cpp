// bench load against the load generator's own test server: what it prints, writes and refuses.
#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"
#include "harness/load/test_server.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

namespace reactorlab::bench {
namespace {

namespace fs = std::filesystem;
using load::Fault;
using load::TestServer;
using nlohmann::json;

struct Outcome {
  int status;
  std::string out;
  std::string err;
};

Outcome bench_load(const std::string& connect, std::vector<std::string> words) {
  const std::vector<std::string> first = {"bench", "load", "--connect=" + connect, "--conns=4", "--warmup=0.01"};
  words.insert(words.begin(), first.begin(), first.end());
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int status = run_program(static_cast<int>(argv.size()), argv.data());
  const std::string out = testing::internal::GetCapturedStdout();
  return {status, out, testing::internal::GetCapturedStderr()};
}

Outcome bench_load(const TestServer& server, const std::vector<std::string>& words) {
  return bench_load(fmt::format("127.0.0.1:{}", server.port()), words);
}

/// A folder of its own for FILE.
class LoadVerbFiles : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string flag() const { return "--hgrm=" + (folder_ / "out.hgrm").string(); }
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.insert(entry.path().filename());
    return names;
  }
  [[nodiscard]] std::string text_of(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("reactorlab-load-" + std::to_string(::getpid()));
};

TEST_F(LoadVerbFiles, AnOpenLoopSaysItAllAsJsonAndInThreeFiles) {
  TestServer server(Fault::None);
  const Outcome outcome = bench_load(server, {"--rate=4000", "--duration=0.05", "--poisson", "--seed=5", "--json", flag()});
  EXPECT_EQ(outcome.status, kExitOk) << outcome.err;
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report.at("loop"), "open");
  EXPECT_EQ(report.at("arrivals"), "poisson");
  EXPECT_EQ(report.at("seed"), 5);
  EXPECT_EQ(report.at("params").at("rate"), 4000);
  EXPECT_EQ(report.at("verified"), true);
  EXPECT_EQ(report.at("gates").size(), 5U);
  bool all = true;
  for (const json& gate : report.at("gates")) all = all && gate.at("passed").get<bool>();
  EXPECT_EQ(report.at("valid"), all);
  EXPECT_NEAR(report.at("offered_per_s").get<double>(), report.at("offered").get<double>() / 0.05, 1e-6);
  EXPECT_EQ(names(), (std::set<std::string>{"out.response.hgrm", "out.service.hgrm", "out.send_lag.hgrm"}));
  const std::string total = fmt::format("Total count    = {:12}]", report.at("offered").get<int>());
  for (const std::string& name : names()) EXPECT_NE(text_of(name).find(total), std::string::npos) << name;
}

TEST(LoadVerb, AnOpenLoopPrintsEveryGateAndThePoissonSeed) {
  TestServer server(Fault::None);
  const Outcome outcome = bench_load(server, {"--rate=4000", "--duration=0.05", "--poisson", "--seed=5"});
  EXPECT_EQ(outcome.status, kExitOk) << outcome.err;
  for (const char* word :
       {"Poisson, seed 5", "offered", "achieved", "response (done - intended) us", "service (done - sent) us",
        "send lag (sent - intended) us", "pinned", "rate ", "headroom ", "send_lag ", "littles_law ", "answers "})
    EXPECT_NE(outcome.out.find(word), std::string::npos) << word << " in " << outcome.out;
}

TEST_F(LoadVerbFiles, AClosedLoopWritesItsOneHistogram) {
  TestServer server(Fault::None);
  const Outcome outcome = bench_load(server, {"--duration=0.02", "--json", flag()});
  EXPECT_EQ(outcome.status, kExitOk) << outcome.err;
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report.at("loop"), "closed");
  EXPECT_EQ(names(), (std::set<std::string>{"out.latency.hgrm"}));
  EXPECT_NE(text_of("out.latency.hgrm").find(fmt::format("Total count    = {:12}]", report.at("ops").get<int>())),
            std::string::npos);
}

TEST_F(LoadVerbFiles, ALadderReportsItsStepsAndItsKnee) {
  TestServer server(Fault::None);
  const Outcome outcome = bench_load(server, {"--ladder=20000:40000:2", "--duration=0.18", "--json", flag()});
  EXPECT_EQ(outcome.status, kExitOk) << outcome.err;
  const json report = json::parse(outcome.out);
  const json& steps = report.at("steps");
  ASSERT_GE(steps.size(), 1U);
  EXPECT_EQ(steps[0].at("params").at("rate"), 20000);
  EXPECT_EQ(steps[0].at("offered"), 3600);
  EXPECT_EQ(report.at("partial"), false);
  EXPECT_EQ(report.at("knee").at("rate").is_null(), report.at("knee").at("reached").get<bool>() && steps.size() == 1);
  EXPECT_EQ(names().size(), 3 * steps.size());
  EXPECT_TRUE(names().contains("out.20000.response.hgrm"));
}

TEST(LoadVerb, ALadderEndsInASentenceAboutTheKnee) {
  TestServer server(Fault::None);
  const Outcome outcome = bench_load(server, {"--ladder=20000:20001:2", "--duration=0.18"});
  EXPECT_EQ(outcome.status, kExitOk) << outcome.err;
  EXPECT_NE(outcome.out.find("offered/s"), std::string::npos);
  EXPECT_NE(outcome.out.find("\nknee: "), std::string::npos) << outcome.out;
}

TEST(LoadVerb, AnInterruptedLadderPrintsWhatItHas) {
  TestServer server(Fault::None);
  std::thread interrupter([&] {
    while (server.connections() == 0) std::this_thread::yield();
    ::kill(::getpid(), SIGINT);
  });
  const Outcome outcome = bench_load(server, {"--ladder=10:20:2", "--duration=3600", "--json"});
  interrupter.join();
  EXPECT_EQ(outcome.status, kExitInterrupted);
  EXPECT_NE(outcome.err.find("interrupted"), std::string::npos);
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report.at("partial"), true);
  EXPECT_TRUE(report.at("steps").empty());
  EXPECT_TRUE(report.at("knee").at("rate").is_null());
}

TEST(LoadVerb, ABrokenServerIsAFailure) {
  TestServer server(Fault::Corrupt);
  for (const char* flag : {"--rate=4000", "--ladder=4000:8000:2"}) {
    const Outcome outcome = bench_load(server, {flag, "--duration=60"});  // the fault ends it
    EXPECT_EQ(outcome.status, kExitFailure);
    EXPECT_NE(outcome.err.find("came back as"), std::string::npos) << outcome.err;
  }
}

TEST(LoadVerb, TheGeneratorAloneNeedsNoServer) {
  const Outcome closed = bench_load("self", {"--duration=0.02", "--json"});
  EXPECT_EQ(closed.status, kExitOk) << closed.err;
  EXPECT_EQ(json::parse(closed.out).at("verified"), true);
  const Outcome open = bench_load("self", {"--rate=4000", "--duration=0.05", "--json"});
  EXPECT_EQ(open.status, kExitOk) << open.err;
  EXPECT_EQ(json::parse(open.out).at("offered"), 200);
  for (const char* mode : {"--mode=churn", "--mode=idle"}) {
    const Outcome refused = bench_load("self", {mode});
    EXPECT_EQ(refused.status, kExitUsage);
    EXPECT_NE(refused.err.find("no server to accept"), std::string::npos) << refused.err;
  }
}

TEST(LoadVerb, AWindowWithoutAMessageIsAFailure) {
  TestServer server(Fault::None);
  const Outcome outcome = bench_load(server, {"--rate=0.01", "--duration=0.01"});
  EXPECT_EQ(outcome.status, kExitFailure);
  EXPECT_NE(outcome.err.find("longer --duration"), std::string::npos) << outcome.err;
}

TEST(LoadVerb, RefusesWhatDoesNotFitTogether) {
  TestServer server(Fault::None);
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"--rate=0"},
                                                                                     {"--rate=fast"},
                                                                                     {"--rate=100", "--mode=churn"},
                                                                                     {"--rate=100", "--pipeline=2"},
                                                                                     {"--rate=100", "--ladder=1000:2000:2"},
                                                                                     {"--rate=10000000", "--duration=3600"},
                                                                                     {"--ladder=1000"},
                                                                                     {"--ladder=1000:2000:2", "--duration=1"},
                                                                                     {"--ladder=1000:2000:2", "--pipeline=2"},
                                                                                     {"--poisson"}}) {
    const Outcome outcome = bench_load(server, words);
    EXPECT_EQ(outcome.status, kExitUsage) << words.front() << " " << words.back();
    EXPECT_NE(outcome.err.find("bench: "), std::string::npos);
  }
  EXPECT_EQ(server.connections(), 0U);
  EXPECT_EQ(bench_load(server, {"--rate=100", "--hgrm=/no/such/folder/out"}).status, kExitFailure);
  EXPECT_EQ(server.connections(), 0U) << "what can't be written is known before anything is measured";
}

}  // namespace
}  // namespace reactorlab::bench
