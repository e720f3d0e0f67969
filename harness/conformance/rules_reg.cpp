// REG: registrations and tokens.

#include <barrier>
#include <set>

#include "harness/conformance/kit.hpp"

namespace reactorlab::conformance {

// --- REG-03 -------------------------------------------------------------------------------------------------------------------

RULE(REG_03, readable_before) {
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  put(pair.peer.get(), "x");
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
    EXPECT_EQ(co_await handle.readable(), IoResult{POLLIN});
  }());
}

RULE(REG_03, writable_before) {
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get(), Interest::both);
    EXPECT_EQ(co_await next_edge<Direction::write>(handle), IoResult{0});
    EXPECT_EQ(co_await handle.writable(), IoResult{POLLOUT});
  }());
}

RULE(REG_03, hung_up_before) {
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  pair.peer.close();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
    const IoResult state = co_await handle.readable();
    EXPECT_TRUE(state.value() & POLLHUP) << state.value();
  }());
}

}  // namespace reactorlab::conformance
