// 0 allocations per message, spawn, yield, wake, timer and registration, on the shipped flavour: the whole malloc family (operator
// new is part of it), mmap and mprotect are replaced in this program by ones that count. Not built with a sanitizer, which replaces
// malloc itself.

#include <cstdarg>
#include <cstdlib>
#include <memory>

#include "harness/economy/lockstep.hpp"
#include "harness/scenarios/cross_thread_wake.hpp"
#include "harness/scenarios/reg_churn.hpp"
#include "harness/scenarios/spawn_join.hpp"
#include "harness/scenarios/timer_fire.hpp"
#include "harness/scenarios/timer_insert_cancel.hpp"
#include "harness/scenarios/yield.hpp"

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

std::atomic<std::uint64_t> allocation_calls{0};
void count_allocation() noexcept { allocation_calls.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

extern "C" {

void* malloc(std::size_t size) noexcept {
  count_allocation();
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  count_allocation();
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) noexcept {
  count_allocation();
  return __libc_realloc(memory, size);
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
  count_allocation();
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  count_allocation();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
  count_allocation();
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}
void* mmap(void* address, std::size_t size, int protection, int flags, int fd, off_t offset) noexcept {
  count_allocation();
  return reinterpret_cast<void*>(::syscall(SYS_mmap, address, size, protection, flags, fd, offset));
}
int mprotect(void* address, std::size_t size, int protection) noexcept {
  count_allocation();
  return static_cast<int>(::syscall(SYS_mprotect, address, size, protection));
}

}  // extern "C"

namespace reactorlab::economy {
namespace {

std::uint64_t allocations() { return allocation_calls.load(); }

TEST(CountedAllocations, see_what_there_is) {
  const auto counts = [](auto&& act) {
    const std::uint64_t before = allocations();
    act();
    return allocations() > before;
  };
  void* volatile kept = nullptr;  // or the compiler leaves out what it sees through
  EXPECT_TRUE(counts([&] { kept = std::malloc(8); }));
  EXPECT_TRUE(counts([&] { kept = std::realloc(kept, 1'000); }));
  std::free(kept);
  EXPECT_TRUE(counts([&] { kept = ::operator new(100); }));
  ::operator delete(kept);
  EXPECT_TRUE(counts([&] { kept = ::operator new(128, std::align_val_t{64}); }));
  ::operator delete(kept, std::align_val_t{64});
  EXPECT_TRUE(counts([&] { kept = sys::reserve_addresses(4096); }));
  EXPECT_TRUE(counts([&] { sys::commit_memory(kept, 4096); }));
  sys::release_addresses(kept, 4096);
  EXPECT_TRUE(counts([&] { (void)cost_of_rounds(subjects[0], &allocations, 1); })) << "a runtime's beginning isn't free";
}

TEST_P(Economy, no_allocation_per_message) { EXPECT_EQ(cost_of_rounds(GetParam(), &allocations, counted_rounds), 0u); }

INSTANTIATE_TEST_SUITE_P(Allocations, Economy, testing::ValuesIn(subjects), label_of);

/// The calls inside the window of one workload on a fresh runtime.
template <class Workload>
std::uint64_t allocations_in_window(const Subject& subject, Workload&& workload, std::uint64_t operations) {
  std::uint64_t before = 0, after = 0;
  const InProcessRequest request = {.workload = "in the test",
                                    .params = {{"tasks", 64}, {"live", 100}, {"timers", 100}},
                                    .operations = operations,
                                    .on_window_open = [&] { before = allocations(); },
                                    .on_window_close = [&] { after = allocations(); }};
  const auto runtime = make_runtime(subject.home, {.workers = 1, .locking = subject.locking});
  const InProcessReport report = workload(*runtime, request);
  EXPECT_EQ(report.operations, operations);
  EXPECT_EQ(report.errors, 0u);
  return after - before;
}

/// What N more operations add: beginning and end cancel out.
template <class Workload>
void expect_no_allocation_per_operation(const Subject& subject, Workload&& workload, std::uint64_t n) {
  (void)allocations_in_window(subject, workload, n);  // the process's own pools fill
  EXPECT_EQ(allocations_in_window(subject, workload, 2 * n), allocations_in_window(subject, workload, n));
}

TEST_P(Economy, no_allocation_per_spawn) {
  expect_no_allocation_per_operation(GetParam(), [](auto& rt, auto& request) { return scenarios::spawn_join(rt, request); }, 2'000);
}
TEST_P(Economy, no_allocation_per_yield) {
  expect_no_allocation_per_operation(
      GetParam(), [](auto& rt, auto& request) { return scenarios::yield_round(rt, request); }, 6'400);
}
TEST_P(Economy, no_allocation_per_wake) {
  expect_no_allocation_per_operation(
      GetParam(), [](auto& rt, auto& request) { return scenarios::cross_thread_wake(rt, request); }, 300);
}
TEST_P(Economy, no_allocation_per_timer_that_is_cancelled) {
  expect_no_allocation_per_operation(
      GetParam(), [](auto& rt, auto& request) { return scenarios::timer_insert_cancel(rt, request); }, 2'000);
}
TEST_P(Economy, no_allocation_per_timer_that_fires) {
  expect_no_allocation_per_operation(GetParam(), [](auto& rt, auto& request) { return scenarios::timer_fire(rt, request); }, 200);
}
TEST_P(Economy, no_allocation_per_registration) {
  expect_no_allocation_per_operation(GetParam(), [](auto& rt, auto& request) { return scenarios::reg_churn(rt, request); }, 500);
}

}  // namespace
}  // namespace reactorlab::economy
