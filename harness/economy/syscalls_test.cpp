// At most 2.1 system calls per message (read, write and a share of the wait), on the instrumented flavour: every call passes the
// kernel seam, but for futexes, which libc's syscall(2) carries and which are counted there.

#include <cstdarg>

#include "core/sys.hpp"
#include "harness/economy/lockstep.hpp"

namespace {

std::atomic<std::uint64_t> kernel_calls{0};

}  // namespace

#if !REACTORLAB_SANITIZED && defined(__x86_64__)
extern "C" long syscall(long number, ...) noexcept {
  kernel_calls.fetch_add(1, std::memory_order_relaxed);
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  const long result = reactorlab::sys::raw(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}
#endif

namespace reactorlab::economy {
namespace {

/// In place for good: a worker may be inside a call when a test ends.
class Counter final : public sys::Script {
 public:
  Counter() { sys::script.store(this); }
  long on_call(sys::Call& call, long (*kernel)(const void*, const sys::Call&), const void* context) noexcept override {
    kernel_calls.fetch_add(1, std::memory_order_relaxed);
    return kernel(context, call);
  }
};

std::uint64_t system_calls() {
  static Counter& counter = *new Counter;
  (void)counter;
  return kernel_calls.load();
}

TEST(CountedSystemCalls, see_what_there_is) {
  const auto counts = [](auto&& act) {
    const std::uint64_t before = system_calls();
    act();
    return system_calls() - before;
  };
  EXPECT_EQ(counts([] { sys::close(static_cast<int>(sys::eventfd())); }), 2u);
#if !REACTORLAB_SANITIZED && defined(__x86_64__)
  Atomic<std::uint32_t> word{0};
  EXPECT_EQ(counts([&] { sys::futex_wake(word); }), 1u);
#endif
}

TEST_P(Economy, at_most_2_1_system_calls_per_message) {
  const std::uint64_t calls = cost_of_rounds(GetParam(), &system_calls, counted_rounds);
  const double per_message = static_cast<double>(calls) / static_cast<double>(counted_messages);
  RecordProperty("system_calls_per_message", std::to_string(per_message));
  EXPECT_GE(per_message, 2.0) << "a message is read and written: something isn't counted";
  EXPECT_LE(per_message, 2.1);
}

INSTANTIATE_TEST_SUITE_P(SystemCalls, Economy, testing::ValuesIn(subjects), label_of);

}  // namespace
}  // namespace reactorlab::economy
