#include "core/frame_pool.hpp"

#include <gtest/gtest.h>

#include <barrier>
#include <set>
#include <thread>
#include <vector>

namespace reactorlab {
namespace {

constexpr std::size_t size = 1'000;  // a class of its own, among the largest
constexpr unsigned count = 100;      // of blocks that a thread holds at once
constexpr unsigned threads = 3;

/// The blocks that threads get which hold them all at once, give them back, and end.
std::set<void*> blocks_of_threads() {
  std::vector<std::vector<void*>> got(threads);
  std::barrier all_hold{threads};
  {
    std::vector<std::jthread> all;
    for (std::vector<void*>& mine : got) {
      all.emplace_back([&] {
        for (unsigned n = 0; n < count; ++n) mine.push_back(FramePool::allocate(size));
        all_hold.arrive_and_wait();
        for (void* const block : mine) FramePool::deallocate(block, size);
      });
    }
  }
  std::set<void*> blocks;
  for (const std::vector<void*>& some : got) blocks.insert(some.begin(), some.end());
  EXPECT_EQ(blocks.size(), threads * count) << "nobody has another's";
  return blocks;
}

TEST(FramePool, WhatThreadsGaveBackIsEnoughForTheNextOnes) {
  if (sanitized) return;  // the pool stands aside
  std::set<void*> ever;
  for (int round = 0; round < 20; ++round) ever.merge(blocks_of_threads());
  EXPECT_LE(ever.size(), threads * count * 3 / 2) << "a thread may have taken some 60 more than it needs";
}

}  // namespace
}  // namespace reactorlab
