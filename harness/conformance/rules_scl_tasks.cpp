// SCL: a million short tasks.

#include <atomic>
#include <vector>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/scale.hpp"

namespace reactorlab::conformance {

// --- SCL-03 -------------------------------------------------------------------------------------------------------------------

namespace {

/// Of the tasks of a body. A detached one may not have begun when the wave's last join is done, so ends are counted, too.
struct Frames {
  std::atomic<int> alive{0};
  std::atomic<std::size_t> ended{0};
};

class FrameCount {
 public:
  explicit FrameCount(Frames& frames) noexcept : frames_{frames} { frames_.alive.fetch_add(1); }
  FrameCount(const FrameCount&) = delete;
  ~FrameCount() {
    frames_.alive.fetch_sub(1);
    frames_.ended.fetch_add(1);
  }

 private:
  Frames& frames_;
};

Task<std::size_t> short_task(std::size_t number, Frames& frames) {
  const FrameCount counted{frames};
  co_return number;
}

std::size_t headers() {
  std::size_t count = 0;
  TaskArena::for_each([&](TaskHeader&) { ++count; });
  return count;
}

}  // namespace

RULE(SCL_03, waves_of_short_tasks) {
  constexpr std::size_t wave = 1'000;
  // Each of the threads may keep up to 8,192 headers for itself: the workers, and whoever calls block_on.
  constexpr std::size_t most_headers = 3 * 8'192 + 4 * wave;
  static_assert(many_tasks > most_headers, "a header for each task would go unnoticed");
  Frames frames;
  IRuntime& rt = runtime();
  const std::size_t headers_before = headers();
  rt.block_on([&]() -> Task<> {
    std::vector<JoinHandle<std::size_t>> joins;
    for (std::size_t done = 0; done < many_tasks; done += wave) {
      for (std::size_t i = 0; i < wave; i += 2) {
        joins.push_back(rt.spawn(short_task(i, frames)));
        rt.spawn(short_task(i + 1, frames)).detach();
      }
      std::size_t sum = 0;
      for (auto& join : joins) sum += co_await join;
      EXPECT_EQ(sum, wave / 2 * (wave / 2 - 1));
      joins.clear();
      while (frames.ended != done + wave) co_await yield();
      EXPECT_EQ(frames.alive, 0);
      const std::size_t more = headers() - headers_before;
      EXPECT_LE(more, most_headers) << "after " << done + wave << " tasks";
      if (more > most_headers) co_return;
    }
  }());
}

}  // namespace reactorlab::conformance
