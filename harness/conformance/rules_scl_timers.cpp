// SCL: a million timers.

#include <sys/mman.h>

#include <new>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/scale.hpp"
#include "harness/conformance/timers.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

// --- SCL-02 -------------------------------------------------------------------------------------------------------------------

namespace {

/// Timers of which only some pages can be touched.
class PagedTimers {
 public:
  explicit PagedTimers(TaskHeader& task)
      : memory_{::mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)} {
    if (memory_ == MAP_FAILED) throw std::bad_alloc{};
    all_ = new (memory_) Timer[count];
    for (std::size_t i = 0; i < count; ++i) all_[i].task = &task;
  }
  PagedTimers(const PagedTimers&) = delete;
  ~PagedTimers() { ::munmap(memory_, pages * page); }

  static constexpr std::size_t page = 4'096, pages = 100, count = pages * page / sizeof(Timer);

  /// Those that lie in the middle with both their neighbours.
  static constexpr std::size_t begin_of_middle = pages / 2 * page / sizeof(Timer) + 2, end_of_middle = begin_of_middle + 80;
  static_assert((end_of_middle + 2) * sizeof(Timer) < (pages / 2 + 2) * page);

  Timer& operator[](std::size_t i) noexcept { return all_[i]; }
  /// From here on whoever touches a timer that is neither in the middle nor the last one ends the process.
  void close_others() {
    protect(0, pages / 2, PROT_NONE);
    protect(pages / 2 + 2, pages - 1, PROT_NONE);
  }
  void open_all() { protect(0, pages, PROT_READ | PROT_WRITE); }

 private:
  void protect(std::size_t from, std::size_t to, int how) {
    checked(::mprotect(static_cast<std::byte*>(memory_) + from * page, (to - from) * page, how), "mprotect");
  }

  void* memory_;
  Timer* all_;
};

}  // namespace

/// Cost is linear in the number of timers because each is started and stopped without a look at the others.
RULE(SCL_02, neighbours_at_most_are_touched) {
  use_virtual_time();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    PagedTimers timers{co_await current_task()};
    auto ref = rt.ref();
    const TimePoint deadline = clock::now() + 1h;
    for (std::size_t i = 0; i < timers.count; ++i) EXPECT_TRUE(ref.start_timer(timers[i], deadline));
    timers.close_others();
    for (std::size_t i = timers.begin_of_middle; i < timers.end_of_middle; i += 2) ref.stop_timer(timers[i]);
    for (std::size_t i = timers.begin_of_middle; i < timers.end_of_middle; i += 2) {
      EXPECT_TRUE(ref.start_timer(timers[i], deadline));
    }
    timers.open_all();
    for (std::size_t i = 0; i < timers.count; ++i) ref.stop_timer(timers[i]);
    co_await timers_are(rt, 0);
  }());
}

RULE(SCL_02, most_are_cancelled) {
  constexpr std::size_t one_of = 100;  // isn't cancelled
  VirtualClock& time = use_virtual_time();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    Timers timers{rt, co_await current_task(), many_timers};
    const TimePoint first = time.now() + 1h;
    const std::uint64_t calls_before = KernelTap::calls_of_this_thread();
    for (std::size_t i = 0; i < many_timers; ++i) timers.start(i, first + 1ms * i);
    for (std::size_t i = 0; i < many_timers; ++i) {
      if (i % one_of != 0) timers.stop(i);
    }
    // The first timer ends the wait of whoever drives. A reactor that takes commands is told of each thousand.
    EXPECT_LE(KernelTap::calls_of_this_thread() - calls_before, 1 + 2 * many_timers / 1'000) << "system calls";
    co_await timers_are(rt, many_timers / one_of);
    time.advance(1h + 1ms * many_timers + timer_tolerance);
    co_await timers_are(rt, 0);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < many_timers; ++i) {
      if (timers.all[i].fired.load() != (i % one_of == 0)) ++wrong;
    }
    EXPECT_EQ(wrong, 0u) << "fired although cancelled, or the other way round";
  }());
}

}  // namespace reactorlab::conformance
