#include "core/task_arena.hpp"

#include <gtest/gtest.h>

#include <barrier>
#include <cstddef>
#include <thread>
#include <vector>

namespace reactorlab {
namespace {

std::size_t headers() {
  std::size_t n = 0;
  TaskArena::for_each([&](TaskHeader&) { ++n; });
  return n;
}

/// Threads that hold headers at the same time, give them back, and end.
void hold_some_on_threads() {
  constexpr unsigned threads = 3, count = 100;
  std::barrier all_hold{threads};
  std::vector<std::jthread> all;
  for (unsigned n = 0; n < threads; ++n) {
    all.emplace_back([&] {
      std::vector<TaskHeader*> mine;
      for (unsigned i = 0; i < count; ++i) mine.push_back(&shared_headers().take());
      all_hold.arrive_and_wait();
      for (TaskHeader* const task : mine) shared_headers().put(*task);
    });
  }
}

TEST(TaskArena, HeadersThatThreadsGaveBackAreEnoughForTheNextOnes) {
  hold_some_on_threads();
  const std::size_t before = headers();
  for (int round = 0; round < 20; ++round) hold_some_on_threads();
  EXPECT_EQ(headers(), before);
}

}  // namespace
}  // namespace reactorlab
