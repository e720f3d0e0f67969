// bench micro: what it prints is what Google Benchmark's compare.py reads.
#include "harness/bench/micro_verb.hpp"
#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace reactorlab::bench {
namespace {

/// Its exit status, and standard output.
std::pair<int, std::string> micro(std::vector<const char*> words) {
  words.insert(words.begin(), {"bench", "micro"});
  testing::internal::CaptureStdout();
  const int status = run_program(static_cast<int>(words.size()), words.data());
  return {status, testing::internal::GetCapturedStdout()};
}

TEST(Micro, PrintsWhatCompareReads) {
  const auto [status, text] = micro({"--impl=thread_local,raw_epoll", "--workload=^yield$", "--benchmark_min_time=0.0001",
                                     "--benchmark_repetitions=2", "--benchmark_format=json"});
  EXPECT_EQ(status, kExitOk);
  const auto output = nlohmann::json::parse(text);
  EXPECT_TRUE(output.at("context").is_object());
  int iterations = 0, aggregates = 0, not_applicable = 0;
  for (const auto& run : output.at("benchmarks")) {
    const std::string name = run.at("name");
    for (const char* number : {"real_time", "cpu_time"}) EXPECT_TRUE(run.at(number).is_number()) << name;
    EXPECT_EQ(run.at("time_unit"), "ns") << name;
    if (run.value("error_occurred", false)) {
      EXPECT_TRUE(name.starts_with("yield/raw_epoll/tasks:64")) << name;
      EXPECT_TRUE(run.at("error_message").get<std::string>().starts_with("n/a: ")) << name;
      ++not_applicable;
      continue;
    }
    EXPECT_TRUE(name.starts_with("yield/thread_local/tasks:64")) << name;
    (run.at("run_type") == "iteration" ? iterations : aggregates) += 1;
    if (run.at("run_type") == "iteration") {
      EXPECT_EQ(run.at("verified"), 1) << name;
      EXPECT_GT(run.at("iterations").get<std::uint64_t>(), 0U) << name;
      EXPECT_TRUE(run.contains("repetition_index")) << name;
    }
  }
  EXPECT_EQ(iterations, 2);
  EXPECT_GE(aggregates, 2) << "mean and median at least";
  EXPECT_GE(not_applicable, 1);
}

TEST(Micro, PassesOnlyItsOwnFlags) {
  std::vector<std::string> words = {"micro", "--benchmark_filter=x", "--impl=all", "--benchmark_out=y"};
  EXPECT_EQ(take_benchmark_flags(words), (std::vector<std::string>{"--benchmark_filter=x", "--benchmark_out=y"}));
  EXPECT_EQ(words, (std::vector<std::string>{"micro", "--impl=all"}));
}

TEST(Micro, RefusesWhatNobodyKnows) {
  EXPECT_EQ(micro({"--benchmark_no_such_flag=1"}).first, kExitUsage);
  EXPECT_EQ(micro({"--no-such-flag"}).first, kExitUsage);
  EXPECT_EQ(micro({"--impl=no_such_impl"}).first, kExitUsage);
  EXPECT_EQ(micro({"--workload=tcp_echo"}).first, kExitUsage);
  EXPECT_EQ(micro({"--workload=("}).first, kExitUsage);
}

}  // namespace
}  // namespace reactorlab::bench
