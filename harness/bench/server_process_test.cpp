// How the driver copes with servers: the real one, and ones that never start, never end or die.
#include "harness/bench/server_process.hpp"
#include "harness/bench/brief_sample.hpp"
#include "harness/measure/thread_counts.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

using namespace std::chrono_literals;

/// A shell script that plays a server.
class Script {
 public:
  explicit Script(const std::string& body)
      : path_(std::filesystem::path(testing::TempDir()) / ("server-" + std::to_string(::getpid()))) {
    std::ofstream(path_) << "#!/bin/sh\n" << body << "\n";
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  }
  ~Script() { std::filesystem::remove(path_); }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  [[nodiscard]] ServerProcess::Options options() const {
    return {.entry = {"raw_epoll", "raw_epoll", "epoll", "", 1}, .cpu = {}, .executable = path_};
  }
  [[nodiscard]] std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// What the call throws, or "".
template <class F>
std::string error_of(F&& call) {
  try {
    call();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(ServerProcess, ReportsWhatAServerSaysAtItsEnd) {
  const Script script(
      "trap 'echo chatter >&2; echo \"{\\\"counters\\\":{\\\"recv\\\":5}}\" >&2; exit 0' TERM; "
      "echo READY port=4711; while :; do sleep 0.01; done");
  ServerProcess server(script.options());
  EXPECT_EQ(server.wait_ready(20s), 4711);
  EXPECT_EQ(server.stop(20s).report.at("counters").at("recv"), 5);
}

TEST(ServerProcess, ThatDiesAtOnceIsNamedWithItsLastWords) {
  const Script script("echo 'port 80 is taken' >&2; exit 3");
  ServerProcess server(script.options());
  const std::string error = error_of([&] { (void)server.wait_ready(20s); });
  EXPECT_TRUE(contains(error, "exit status 3")) << error;
  EXPECT_TRUE(contains(error, "port 80 is taken")) << error;
}

TEST(ServerProcess, ThatNeverGetsReadyIsGivenUp) {
  const Script script("exec sleep 1000");
  ServerProcess server(script.options());
  EXPECT_TRUE(contains(error_of([&] { (void)server.wait_ready(50ms); }), "READY within 50 ms"));
}

TEST(ServerProcess, ThatSaysSomethingElseIsRefused) {
  const Script script("echo hello; exec sleep 1000");
  ServerProcess server(script.options());
  EXPECT_TRUE(contains(error_of([&] { (void)server.wait_ready(20s); }), "'hello'"));
}

TEST(ServerProcess, ThatEndedByItselfIsAnErrorEvenWithStatusZero) {
  const Script script("echo READY port=1; echo 'had enough' >&2");
  ServerProcess server(script.options());
  EXPECT_EQ(server.wait_ready(20s), 1);
  while (::waitid(P_PID, static_cast<id_t>(server.pid()), nullptr, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  const std::string error = error_of([&] { (void)server.stop(20s); });
  EXPECT_TRUE(contains(error, "ended by itself: exit status 0: had enough")) << error;
}

TEST(ServerProcess, ThatTheSignalKillsHasNotEndedInOrder) {
  const Script script("echo READY port=1; exec sleep 1000");
  ServerProcess server(script.options());
  EXPECT_EQ(server.wait_ready(20s), 1);
  EXPECT_TRUE(contains(error_of([&] { (void)server.stop(20s); }), "killed by signal 15"));
}

TEST(ServerProcess, SaysReadyInExactlyOneForm) {
  for (const char* line :
       {"READY port=", "READY port=0", "READY port=65536", "READY port=-1", "READY port=80x", "ready port=80", " READY port=80"}) {
    const Script script(std::string("echo '") + line + "'; exec sleep 1000");
    ServerProcess server(script.options());
    EXPECT_TRUE(contains(error_of([&] { (void)server.wait_ready(20s); }), std::string("'") + line + "' instead of READY port=N"))
        << line;
  }
}

TEST(ServerProcess, ThatTalksWithoutEndIsNotListenedToForEver) {
  const Script script("while :; do printf 'more and more '; done");
  ServerProcess server(script.options());
  EXPECT_TRUE(contains(error_of([&] { (void)server.wait_ready(20s); }), "instead of READY port=N"));
}

TEST(ServerProcess, ThatDoesNotEndIsKilledAndAnError) {
  const Script script("trap '' TERM; echo READY port=1; exec sleep 1000");
  ServerProcess server(script.options());
  EXPECT_EQ(server.wait_ready(20s), 1);
  EXPECT_TRUE(contains(error_of([&] { (void)server.stop(50ms); }), "didn't end within 50 ms"));
}

TEST(ServerProcess, ThatEndsWithAFailureIsAnError) {
  const Script script("trap 'exit 7' TERM; echo READY port=1; while :; do sleep 0.01; done");
  ServerProcess server(script.options());
  EXPECT_EQ(server.wait_ready(20s), 1);
  EXPECT_TRUE(contains(error_of([&] { (void)server.stop(20s); }), "exit status 7"));
}

TEST(ServerProcess, ThatCannotBeStartedIsAnError) {
  ServerProcess::Options options{.entry = {}, .cpu = {}, .executable = "/no/such/program"};
  EXPECT_TRUE(contains(error_of([&] { ServerProcess server(options); }), "/no/such/program"));
}

TEST(RunSample, WithAServerThatDiesIsVoidAndHasNoNumbers) {
  const Script script("exit 0");
  const Sample sample = run_sample({"x", "raw_epoll", "epoll", "", 1}, small_cell(), brief(script.path()));
  EXPECT_FALSE(sample.sound());
  EXPECT_FALSE(sample.verified);
  EXPECT_EQ(sample.errors, 1U);
  EXPECT_TRUE(to_json(sample).at("server_cpu_ns").is_null());
}

TEST(RunSample, OfTheRealServerIsSoundAndComplete) {
  if (!std::filesystem::exists(bench_binary())) GTEST_SKIP() << "the bench binary isn't built: cmake --build ... --target bench";
  for (const Entry& entry : choose_entries(impls(), {.impls = {"all"}}).entries) {
    const Sample sample = run_sample(entry, small_cell(), brief(bench_binary()));
    EXPECT_EQ(sample.void_reason, "") << entry.label;
    EXPECT_TRUE(sample.verified);
    EXPECT_EQ(sample.errors, 0U);
    EXPECT_EQ(sample.round, 3U);
    EXPECT_EQ(sample.position, 1U);
    EXPECT_GE(sample.ops, 8U);
    EXPECT_GT(sample.server_cpu_ns, 0U);
    EXPECT_GE(sample.max_ns, sample.p50_ns.value_or(0));
    EXPECT_EQ(sample.counts.at("allocations"), std::nullopt) << "nobody counts them here";
  }
}

TEST(RunSample, OfChurnAndIdleMemoryIsSoundAndComplete) {
  if (!std::filesystem::exists(bench_binary())) GTEST_SKIP() << "the bench binary isn't built: cmake --build ... --target bench";
  for (const Entry& entry : choose_entries(impls(), {.impls = {"all"}}).entries) {
    const SamplePlace churn = {{"accept_churn", {{"conns", 4}, {"payload", 64}}}, 0, 0, 5};
    const Sample churned = run_sample(entry, churn, brief(bench_binary()));
    EXPECT_EQ(churned.void_reason, "") << entry.label;
    EXPECT_GE(churned.ops, 4U) << entry.label;
    EXPECT_GT(churned.server_cpu_ns, 0U) << entry.label;

    const SamplePlace idle = {{"idle_memory", {{"conns", 300}}}, 0, 0, 6};
    const Sample opened = run_sample(entry, idle, brief(bench_binary()));
    EXPECT_EQ(opened.void_reason, "") << entry.label;
    EXPECT_EQ(opened.ops, 300U) << entry.label;
    EXPECT_TRUE(opened.counts.at("user_bytes").has_value()) << entry.label;
    EXPECT_FALSE(opened.stalled);
    EXPECT_FALSE(opened.p50_ns.has_value()) << "a connection that only exists has no latency";
  }
}

TEST(ServerProcess, HasASecondThreadWhoeverServes) {
  if (!std::filesystem::exists(bench_binary())) GTEST_SKIP() << "the bench binary isn't built";
  for (const Entry& entry : choose_entries(impls(), {.impls = {"all"}}).entries) {
    ServerProcess server({.entry = entry, .cpu = {}, .executable = bench_binary()});
    (void)server.wait_ready(20s);
    EXPECT_GE(measure::read_thread_counts(server.pid()).size(), 2U) << entry.label;
    (void)server.stop(20s);
  }
}

TEST(RunSample, IdleMemorySeesWhatAConnectionKeeps) {
  if (!std::filesystem::exists(bench_binary())) GTEST_SKIP() << "the bench binary isn't built";
  const SamplePlace place = {{"idle_memory", {{"conns", 1000}}}, 0, 0, 6};
  const Entry entry = choose_entries(impls(), {.impls = {"thread_local"}}).entries.front();
  const Sample sample = run_sample(entry, place, brief(bench_binary()));
  ASSERT_EQ(sample.void_reason, "");
  EXPECT_GT(sample.counts.at("user_bytes").value(), 32) << "a task, its frame and a registration take more";
#if !REACTORLAB_LIBC_SYSCALLS  // a sanitizer keeps memory of its own for each connection
  EXPECT_LT(sample.counts.at("user_bytes").value(), 4096) << "no buffer is held while it waits";
#endif
}

}  // namespace
}  // namespace reactorlab::bench
