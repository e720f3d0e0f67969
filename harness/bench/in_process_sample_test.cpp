// Samples from a process of their own: the real one, and scripts that play what can go wrong.
#include "harness/bench/in_process_sample.hpp"
#include "harness/bench/in_process_child.hpp"
#include "harness/bench/in_process_spawn.hpp"
#include "harness/bench/usage.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

using namespace std::chrono_literals;

/// A shell script that plays the child.
class Script {
 public:
  explicit Script(const std::string& body)
      : path_(std::filesystem::path(testing::TempDir()) / ("child-" + std::to_string(::getpid()))) {
    std::ofstream(path_) << "#!/bin/sh\n" << body << "\n";
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  }
  ~Script() { std::filesystem::remove(path_); }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  [[nodiscard]] std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string error_of(const ChildRequest& request) {
  try {
    (void)run_child(request);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(RunChild, GivesTheOutputAndTheWords) {
  const Script script("echo \"$1 ${#REACTORLAB_PADDING}\"");
  EXPECT_EQ(run_child({.words = {"hello"}, .environment_padding = 42, .executable = script.path()}).output, "hello 42\n");
}

TEST(RunChild, NamesEveryWayToFail) {
  EXPECT_TRUE(contains(error_of({.executable = "/proc/nowhere"}), "cannot start /proc/nowhere"));
  const Script fails("echo why >&2; exit 3");
  EXPECT_EQ(error_of({.executable = fails.path()}), "exit status 3: why");
  const Script dies("kill -ABRT $$");
  EXPECT_TRUE(contains(error_of({.executable = dies.path()}), "killed by signal 6"));
}

TEST(RunChild, EndsWhatDoesNotEnd) {
  const Script hangs("echo stuck >&2; exec sleep 1000");
  EXPECT_TRUE(contains(error_of({.executable = hangs.path(), .limit = 200ms}), "didn't end within 200 ms"));
  const std::atomic<bool> cancelled{true};
  EXPECT_EQ(error_of({.executable = hangs.path(), .cancel = &cancelled}), "interrupted");
}

TEST(InProcessChild, WordsCarryTheParameters) {
  const Params params = {{"live", 1'000'000}, {"tasks", 64}};
  EXPECT_EQ(params_from_words(params_to_words(params)), params);
  for (const char* wrong : {"tasks", "tasks=", "=5", "tasks=x", "tasks=5x", "tasks=-1"})
    EXPECT_THROW((void)params_from_words({wrong}), UsageError) << wrong;
}

Entry entry() { return {"thread_local", "thread_local", "epoll", "", 1}; }
SamplePlace place() { return {.cell = {"cross_thread_wake", {}}, .round = 3, .position = 1, .seed = 77}; }
Sample sample_from(const std::string& executable) {
  return run_in_process_sample(entry(), place(),
                               {.warmup = 0ms,
                                .duration = 0ms,
                                .server_cpu = std::nullopt,
                                .load_cpu = std::nullopt,
                                .provenance = "",
                                .executable = executable});
}

/// A child's line for that many operations.
std::string line(std::uint64_t operations, std::uint64_t errors) {
  return "echo '" +
         nlohmann::json{{"operations", operations},
                        {"errors", errors},
                        {"wall_ns", 1000},
                        {"cpu_ns", 900},
                        {"run_delay_ns", 0},
                        {"max_ns", 50},
                        {"p50_ns", 40},
                        {"counters", {{"kicks", 2 * operations}}},
                        {"threads", {{operations, 0, 500, 300}, {0, 0, 0, 0}, {2 * operations, operations, 500, 600}}}}
             .dump() +
         "'";
}

TEST(InProcessSample, TakesWhatTheChildSays) {
  const std::uint64_t operations = find_in_process_workload("cross_thread_wake")->operations;
  const Script script(line(operations, 0));
  const Sample sample = sample_from(script.path());
  EXPECT_TRUE(sample.sound()) << sample.void_reason;
  EXPECT_TRUE(sample.verified);
  EXPECT_EQ(sample.ops, operations);
  EXPECT_EQ(sample.server_cpu_ns, 900U);
  EXPECT_EQ(sample.p50_ns, 40U);
  EXPECT_EQ(sample.p99_ns, std::nullopt) << "too few operations beyond it";
  EXPECT_EQ(sample.counts.at("kicks"), 2.0);
  EXPECT_EQ(sample.counts.at("allocations"), std::nullopt) << "not counted is not 0";
  EXPECT_EQ(sample.counts.at("voluntary_switches"), 3.0);
  EXPECT_EQ(sample.counts.at("voluntary_switches.1"), 2.0) << "of the second thread that ran";
  EXPECT_EQ(sample.counts.at("involuntary_switches.0"), 0.0);
  EXPECT_EQ(sample.counts.at("run_delay_ns"), 1000.0 / static_cast<double>(operations));
  EXPECT_EQ(sample.counts.at("busiest_thread_share"), 600.0 / 900.0) << "of CPU time";
  EXPECT_EQ(sample.round, 3U);
  EXPECT_EQ(sample.cell.workload, "cross_thread_wake");
}

TEST(InProcessSample, IsVoidUnlessEverythingWasDoneRight) {
  const std::uint64_t operations = find_in_process_workload("cross_thread_wake")->operations;
  for (const std::string& body : {line(operations, 1), line(operations - 1, 0), std::string{"echo nonsense"},
                                  std::string{"echo '{}'"}, std::string{"exit 1"}, std::string{"true"}}) {
    const Script script(body);
    const Sample sample = sample_from(script.path());
    EXPECT_FALSE(sample.sound()) << body;
    EXPECT_FALSE(sample.verified) << body;
    EXPECT_FALSE(sample.void_reason.empty()) << body;
    EXPECT_TRUE(sample.applicable()) << body;
  }
}

TEST(InProcessSample, NotApplicableIsNoFault) {
  const Script script("echo '{\"not_applicable\":\"it has no tasks\"}'");
  const Sample sample = sample_from(script.path());
  EXPECT_FALSE(sample.applicable());
  EXPECT_EQ(sample.not_applicable, "it has no tasks");
  EXPECT_TRUE(sample.void_reason.empty());
  EXPECT_EQ(sample.errors, 0U);
}

TEST(InProcessSample, OfTheRealProgramIsSound) {
  const auto bench = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "bench";
  if (!std::filesystem::exists(bench)) GTEST_SKIP() << "bench isn't built";
  const Sample sample = sample_from(bench);
  EXPECT_TRUE(sample.sound()) << sample.void_reason;
  EXPECT_TRUE(sample.verified);
  EXPECT_GT(sample.server_cpu_ns, 0U);
  EXPECT_GT(sample.wall_ns, 0U);
  EXPECT_TRUE(sample.p50_ns.has_value());
  const double wakes = sample.counts.at("wakes_remote").value();
  EXPECT_GT(wakes, 0.0);
  EXPECT_LE(wakes, 1.0) << "a wake that meets its task running needs no queue; none is sent twice";
}

}  // namespace
}  // namespace reactorlab::bench
