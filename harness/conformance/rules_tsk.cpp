// TSK: tasks.

#include <pthread.h>

#include <thread>

#include "harness/conformance/kit.hpp"

namespace reactorlab::conformance {
namespace {

// Sanitized frames are larger and slower; a tenth of the awaits still needs many times the stack if one of them stays on it.
constexpr unsigned awaits = sanitized ? 500'000 : 5'000'000;

/// Threads that are made meanwhile, those of runtimes too, have a stack of 256 KiB.
class SmallStacks {
 public:
  SmallStacks() {
    ::pthread_getattr_default_np(&before_);
    pthread_attr_t small;
    ::pthread_getattr_default_np(&small);
    EXPECT_EQ(::pthread_attr_setstacksize(&small, 256 * 1024), 0);
    EXPECT_EQ(::pthread_setattr_default_np(&small), 0);
    ::pthread_attr_destroy(&small);
  }
  SmallStacks(const SmallStacks&) = delete;
  ~SmallStacks() {
    ::pthread_setattr_default_np(&before_);
    ::pthread_attr_destroy(&before_);
  }

 private:
  pthread_attr_t before_;
};

Task<unsigned> successor(unsigned n) { co_return n + 1; }
Task<> nothing() { co_return; }

}  // namespace

// --- TSK-20 -------------------------------------------------------------------------------------------------------------------

RULE(TSK_20, tasks_that_return_at_once) {
  SmallStacks small;
  std::thread{[&] {
    auto rt = make();
    const unsigned reached = rt->block_on([]() -> Task<unsigned> {
      unsigned n = 0;
      while (n < awaits) {
        n = co_await successor(n);
        co_await nothing();
      }
      co_return n;
    }());
    EXPECT_EQ(reached, awaits);
  }}.join();
}

RULE(TSK_20, ready_operations) {
  SmallStacks small;
  std::thread{[&] {
    auto rt = make();
    Pair pair = tcp_pair();
    auto stream = TcpStream::adopt(rt->ref(), pair.ours.release());
    const unsigned done = rt->block_on([&]() -> Task<unsigned> {
      unsigned n = 0;
      // Reading into no room completes without a system call, and spends the budget like any other operation.
      while (n < awaits && co_await stream->read({})) ++n;
      co_return n;
    }());
    EXPECT_EQ(done, awaits);
  }}.join();
}

}  // namespace reactorlab::conformance
