// What is counted of other processes and threads.
#include "harness/measure/command.hpp"
#include "harness/measure/kernel_counts.hpp"
#include "harness/measure/sleeping_thread.hpp"
#include "harness/measure/thread_counts.hpp"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::measure {
namespace {

/// What a process counts that reads and writes that many single bytes.
std::map<std::string, std::uint64_t> counts_of_copying(int bytes) {
  const KernelCounts counts;
  EXPECT_TRUE(output_of({"dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=" + std::to_string(bytes)}).has_value());
  return counts.read();
}

/// Where they can't be had, that has to be said.
bool are_refused_with_a_remedy() {
  const auto reason = KernelCounts::obstacle();
  if (!reason) return false;
  EXPECT_NE(reason->find("be root"), std::string::npos) << *reason;
  EXPECT_THROW((void)KernelCounts(), std::runtime_error);
  return true;
}

TEST(KernelCounts, CountEverySystemCallOfAChildByName) {
  if (are_refused_with_a_remedy()) return;
  const auto once = counts_of_copying(1000), twice = counts_of_copying(2000);
  EXPECT_EQ(twice.at("syscalls.read") - once.at("syscalls.read"), 1000U);
  EXPECT_EQ(twice.at("syscalls.write") - once.at("syscalls.write"), 1000U);
  EXPECT_NEAR(static_cast<double>(twice.at("syscalls") - once.at("syscalls")), 2000, 10)
      << "what libc does at the beginning may differ";
  EXPECT_EQ(twice.at("syscalls.epoll_wait"), 0U) << "none was counted, which isn't unknown";
}

TEST(KernelCounts, AreOfWhatIsStartedAndNotOfThisProcess) {
  if (are_refused_with_a_remedy()) return;
  const KernelCounts counts;
  for (int i = 0; i < 1000; ++i) (void)::getppid();
  EXPECT_EQ(counts.read().at("syscalls"), 0U);
}

TEST(ThreadCounts, AreThoseOfEachThread) {
  const auto before = read_thread_counts(::getpid());
  ASSERT_FALSE(before.empty());
  std::atomic<bool> over{false};
  std::thread other([&] { over.wait(false); });
  // This thread gives way until it has seen the other one asleep, however long that takes.
  std::vector<ThreadCounts> threads;
  do {
    std::this_thread::yield();
    threads = between(before, read_thread_counts(::getpid()));
  } while (threads.size() != before.size() + 1 || threads.back().voluntary_switches == 0);
  over = true;
  over.notify_one();
  other.join();
  EXPECT_EQ(between(before, read_thread_counts(::getpid())).size(), before.size()) << "an ended thread has no counts";
  EXPECT_TRUE(read_thread_counts(0x3fffffff).empty());
}

TEST(SleepingThread, ComesToRestAndEnds) {
  const auto before = read_thread_counts(::getpid());
  {
    const SleepingThread asleep;
    pid_t its_id = 0;
    for (const auto& [id, counts] : read_thread_counts(::getpid()))
      if (!before.contains(id)) its_id = id;
    ASSERT_NE(its_id, 0);
    const auto its_counts = [&] { return read_thread_counts(::getpid()).at(its_id); };
    ThreadCounts before_that;
    do {  // on another CPU it may be on its way
      before_that = its_counts();
      for (int i = 0; i < 100; ++i) std::this_thread::yield();
    } while (its_counts() != before_that);
  }
  EXPECT_EQ(read_thread_counts(::getpid()).size(), before.size());
}

TEST(ThreadCounts, BetweenTwoReadings) {
  const std::map<pid_t, ThreadCounts> before = {{7, {10, 1, 100, 1000}}, {8, {5, 5, 5, 5}}};
  const std::map<pid_t, ThreadCounts> after = {{7, {12, 1, 150, 1400}}, {9, {3, 2, 1, 60}}};
  const std::vector<ThreadCounts> expected = {{2, 0, 50, 400}, {3, 2, 1, 60}};
  EXPECT_EQ(between(before, after), expected) << "8 has ended, 9 began in between";
  EXPECT_EQ(sum_of(expected), (ThreadCounts{5, 2, 51, 460}));
}

}  // namespace
}  // namespace reactorlab::measure
