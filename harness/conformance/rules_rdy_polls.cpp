// RDY: how often a parked task is polled, and what a poll leaves behind.

#include <malloc.h>

#include "core/children.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {

// --- RDY-12 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(RDY_12, woken_without_reason) {
  using sys::Op;
  Script script{Op::recv, Op::read, Op::poll, Op::epoll_ctl};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    Waker waker;
    unsigned completions = 0;
    const auto read = [&]() -> Task<> {
      waker = Waker{co_await current_task()};
      std::byte byte;
      EXPECT_EQ(co_await stream.read({&byte, 1}), IoResult{1});
      ++completions;
    };
    auto reader = co_await spawn_parked(rt, points, read());
    script.clear_log();
    const std::size_t memory_before = ::mallinfo2().uordblks;
    std::uint64_t waiters = 1;
    for (unsigned hundreds = 0; hundreds < 1'000 && waiters == 1; ++hundreds) {
      for (unsigned i = 0; i < 100; ++i) {
        waker.wake();
        co_await yield();
      }
      waiters = rt.stats().waiters;
    }
    EXPECT_EQ(waiters, 1u);
    EXPECT_LT(::mallinfo2().uordblks, memory_before + 64 * 1024) << "100,000 forgotten waiters are megabytes";
    EXPECT_EQ(script.log().size(), 0u) << "system calls";
    put(pair.peer.get(), "x");
    co_await reader;
    EXPECT_EQ(completions, 1u);
    EXPECT_EQ(script.count(Op::recv, fd), 1u);
  }());
}

// --- RDY-18 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(RDY_18, one_edge_one_poll) {
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    ParkedProbe<Direction::read, BasicAsyncFd<Rt>> probe{rt, handle};
    co_await probe.parked();
    put(pair.peer.get(), "x");
    co_await probe.polled();
    EXPECT_EQ(rt.stats().waiters, 0u);
    for (int edge = 0; edge < 5; ++edge) {
      put(pair.peer.get(), "x");
      co_await events_dispatched(rt);
    }
    co_await probe.end();
    EXPECT_EQ(probe.polls(), 1u);
  }());
}

// --- RDY-19 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(RDY_19, armed_again_in_each_poll) {
  constexpr unsigned rounds = 1'000;
  Rt& rt = runtime<Rt>();
  for (const unsigned probes : {1u, 2u}) {  // the second one is in the side list
    Pair pair = socket_pair();
    rt.block_on([&]() -> Task<> {
      auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
      using Probe = ParkedProbe<Direction::read, BasicAsyncFd<Rt>>;
      std::vector<std::unique_ptr<Probe>> parked;
      for (unsigned i = 0; i < probes; ++i) {
        parked.push_back(std::make_unique<Probe>(rt, handle, [fd = pair.ours.get()] {
          drain(fd);
          return true;
        }));
        co_await parked.back()->parked();
      }
      for (unsigned round = 0; round < rounds; ++round) {
        put(pair.peer.get(), "x");
        for (auto& probe : parked) co_await probe->polled();
      }
      co_await events_dispatched(rt);
      EXPECT_EQ(rt.stats().waiters, probes);
      for (auto& probe : parked) {
        co_await probe->end();
        EXPECT_EQ(probe->polls(), rounds);
      }
    }());
  }
}

}  // namespace reactorlab::conformance
