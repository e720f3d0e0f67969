// 0 allocations per message, on the shipped flavour: the whole malloc family (operator new is part of it), mmap and mprotect are
// replaced in this program by ones that count. Not built with a sanitizer, which replaces malloc itself.

#include <cstdarg>
#include <cstdlib>
#include <memory>

#include "harness/economy/lockstep.hpp"

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

TEST_P(Economy, no_allocation_per_message) { EXPECT_EQ(cost_of_n_more(GetParam(), &allocations), 0); }

INSTANTIATE_TEST_SUITE_P(Allocations, Economy, testing::ValuesIn(subjects), label_of);

}  // namespace
}  // namespace reactorlab::economy
