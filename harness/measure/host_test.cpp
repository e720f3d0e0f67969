#include "harness/measure/command.hpp"
#include "harness/measure/host_facts.hpp"
#include "harness/measure/nearest_name.hpp"
#include "harness/measure/process_cpu.hpp"
#include "harness/measure/process_memory.hpp"
#include "harness/measure/process_setup.hpp"

#include <cerrno>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace reactorlab::measure {
namespace {

const std::vector<std::string> kImpls = {"arc_mutex", "raw_epoll", "thread_local"};

TEST(NearestName, FindsWhatATypoMeant) {
  EXPECT_EQ(nearest_name("thread_locl", kImpls), "thread_local");
  EXPECT_EQ(nearest_name("arcmutex", kImpls), "arc_mutex");
  EXPECT_EQ(nearest_name("raw-epoll", kImpls), "raw_epoll");
}

TEST(NearestName, SuggestsNothingForSomethingElse) {
  EXPECT_EQ(nearest_name("zzzzzz", kImpls), std::nullopt);
  EXPECT_EQ(nearest_name("x", {}), std::nullopt);
}

TEST(NearestName, TheMessageListsWhatIsKnown) {
  EXPECT_EQ(unknown_choice("impl", "raw_epol", kImpls),
            "unknown impl 'raw_epol'; did you mean 'raw_epoll'? Known: arc_mutex, raw_epoll, thread_local");
  EXPECT_EQ(unknown_choice("locking", "q", {}), "unknown locking 'q'. Known: none");
}

TEST(ProcessCpu, GrowsWithWorkAndIsAbsentForNobody) {
  const auto before = read_process_cpu(::getpid());
  if (!before) GTEST_SKIP() << "this kernel has no schedstat";
  // The reading is updated at the latest when the scheduler ticks: work until it has moved, within a bound.
  volatile std::uint64_t sink = 0;
  bool grew = false;
  for (int i = 0; i < 10'000 && !grew; ++i) {
    for (int j = 0; j < 100'000; ++j) sink = sink + 1;
    grew = read_process_cpu(::getpid())->run_ns > before->run_ns;
  }
  EXPECT_TRUE(grew);
  EXPECT_FALSE(read_process_cpu(0x3fffffff).has_value());
}

TEST(ProcessCpu, HoldsTheTimeOfThreadsThatHaveEnded) {
  const auto before = read_process_cpu(::getpid());
  if (!before) GTEST_SKIP() << "this kernel has no schedstat";
  std::uint64_t worked = 0;
  std::thread([&] {
    timespec now{};
    volatile std::uint64_t sink = 0;
    do {
      for (int i = 0; i < 10'000; ++i) sink = sink + 1;
      ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
      worked = static_cast<std::uint64_t>(now.tv_nsec);
    } while (worked < 2'000'000);
  }).join();
  EXPECT_GE(read_process_cpu(::getpid())->run_ns - before->run_ns, worked);
}

TEST(Children, AreThoseThatExist) {
  const auto before = read_children(::getpid());
  if (!before) GTEST_SKIP() << "this kernel has no /proc/PID/task/*/children";
  EXPECT_TRUE(before->empty());
  char program[] = "sleep", argument[] = "1000";
  char* const words[] = {program, argument, nullptr};
  pid_t child = 0;
  ASSERT_EQ(::posix_spawnp(&child, program, nullptr, nullptr, words, environ), 0);
  EXPECT_EQ(read_children(::getpid()), std::vector{child});
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  EXPECT_EQ(read_children(::getpid()), std::vector<pid_t>{});
  EXPECT_FALSE(read_children(0x3fffffff).has_value());
}

#if !REACTORLAB_LIBC_SYSCALLS  // a sanitizer writes memory of its own for every access
TEST(UserMemory, GrowsWithWhatIsWrittenNotWithWhatIsReserved) {
  constexpr std::size_t kSize = std::size_t{8} << 20U;
  const auto before = read_user_memory(::getpid());
  if (!before) GTEST_SKIP() << "this kernel has no smaps_rollup";
  auto* const memory =
      static_cast<char*>(::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  ::madvise(memory, kSize, MADV_NOHUGEPAGE);
  const auto reserved = read_user_memory(::getpid());
  for (std::size_t i = 0; i < kSize / 2; i += 4096) memory[i] = 1;
  const auto written = read_user_memory(::getpid());
  ::munmap(memory, kSize);
  ASSERT_TRUE(reserved && written);
  EXPECT_LT(*reserved, *before + kSize / 4) << "addresses aren't memory";
  EXPECT_GE(*written, *reserved + kSize / 2);
  EXPECT_LT(*written, *reserved + kSize);
  EXPECT_FALSE(read_user_memory(-1).has_value());
}
#endif

TEST(Command, GivesOutputOrNothing) {
  EXPECT_EQ(output_of({"echo", "hello"}), "hello\n");
  EXPECT_EQ(output_of({"false"}), std::nullopt);
  EXPECT_EQ(output_of({"no-such-program-anywhere"}), std::nullopt);
  EXPECT_EQ(output_of({"sleep", "1000"}, std::chrono::milliseconds(50)), std::nullopt);
  EXPECT_TRUE(is_installed("sh"));
  EXPECT_FALSE(is_installed("no-such-program-anywhere"));
}

TEST(Descriptors, SaysWhatIsMissing) {
  const auto limit = raise_descriptor_limit();
  EXPECT_NO_THROW(require_descriptors(limit, "a test"));
  try {
    require_descriptors(limit + 7, "a test");
    FAIL() << "no error";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("7 are missing"), std::string::npos) << error.what();
  }
}

TEST(HostFacts, NameTheMachineAndChangeTheDigest) {
  nlohmann::json facts = machine_facts();
  EXPECT_GE(facts.at("cpus").get<unsigned>(), 1U);
  EXPECT_TRUE(facts.at("kernel").get<std::string>().starts_with("Linux "));
  const std::string digest = digest_of(facts);
  EXPECT_EQ(digest.size(), 16U);
  EXPECT_EQ(digest, digest_of(machine_facts()));
  facts["cpu_model"] = "another";
  EXPECT_NE(digest, digest_of(facts));
}

TEST(HostFacts, KeepOnlyParametersThatAffectMeasurement) {
  EXPECT_EQ(measurement_parameters("root=/dev/vda1 mitigations=off ip=10.0.0.1 nokaslr quiet isolcpus=1,2"),
            "mitigations=off nokaslr isolcpus=1,2");
  EXPECT_EQ(measurement_parameters("rcu-nocbs=1 intel_idle.max_cstate=1\n"), "rcu-nocbs=1 intel_idle.max_cstate=1");
  EXPECT_EQ(measurement_parameters(""), "none");
  EXPECT_EQ(measurement_parameters("xmitigations=off idle.poll=1 notsc"), "none");
}

TEST(HostFacts, TakeNothingFromArgumentsOfInitAndQuotedValues) {
  EXPECT_EQ(measurement_parameters("tsc=reliable -- --secret idle=poll nosmt"), "tsc=reliable");
  EXPECT_EQ(measurement_parameters("dyndbg=\"file a idle=poll -- b\" nosmt"), "nosmt");
  EXPECT_EQ(measurement_parameters("dyndbg=\"never closed nosmt"), "none");
}

TEST(HostFacts, DontNameTheKernelsBuilderOrItsWholeCommandLine) {
  const nlohmann::json facts = machine_facts();
  EXPECT_FALSE(facts.contains("kernel_command_line"));
  EXPECT_TRUE(facts.at("kernel_version").get<std::string>().starts_with("#")) << facts.at("kernel_version");
  const std::string kept = facts.at("kernel_parameters");
  EXPECT_EQ(kept == "n/a" ? kept : measurement_parameters(kept == "none" ? "" : kept), kept);
}

TEST(HostFacts, BuildKnowsItsCompilerAndBinary) {
  const nlohmann::json facts = build_facts();
  EXPECT_NE(facts.at("compiler").get<std::string>().find_first_of("0123456789"), std::string::npos);
  EXPECT_NE(facts.at("binary"), "n/a");
}

}  // namespace
}  // namespace reactorlab::measure
