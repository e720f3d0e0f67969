// At most 2.1 system calls per message (read, write and a share of the wait), on the instrumented flavour: every call passes the
// kernel seam, but for futexes, which libc's syscall(2) carries and which are counted there.

#include "core/sys.hpp"
#include "harness/economy/lockstep.hpp"
#include "harness/economy/system_calls.hpp"

namespace reactorlab::economy {
namespace {

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
