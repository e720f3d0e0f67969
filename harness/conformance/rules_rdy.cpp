// RDY: readiness and waiters.

#include "harness/conformance/kit.hpp"

namespace reactorlab::conformance {

BOTH_FORMS_RULE(RDY_01, edge_before_the_wait) {
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  put(pair.peer.get(), "x");
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    co_await events_dispatched(rt);
    EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
  }());
  EXPECT_EQ(take(pair.ours.get(), 1), "x");
}

BOTH_FORMS_RULE(RDY_01, scripted_edge_before_the_wait) {
  Script script;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    script.inject_edge(pair.ours.get(), EPOLLIN, false);
    co_await events_dispatched(rt);
    EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
  }());
}

}  // namespace reactorlab::conformance
