// STL: stale tokens and identity.

#include "harness/conformance/far_number.hpp"
#include "harness/conformance/ghost.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/passage.hpp"
#include "harness/conformance/probe_task.hpp"

namespace reactorlab::conformance {
namespace {

template <class Handle>
bool parked_to_read(Handle& handle) {
  return (handle.slot().word(Direction::read).load() & readiness::parked) != 0;
}

}  // namespace

// --- STL-01 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(STL_01, scripted) {
  Script script;
  Rt& rt = runtime<Rt>();
  Pair removed = socket_pair(), other = socket_pair(), live = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto survivor = BasicAsyncFd<Rt>::borrow(rt, other.ours.get());
    auto speaker = BasicAsyncFd<Rt>::borrow(rt, live.ours.get());
    auto goner = BasicAsyncFd<Rt>::borrow(rt, removed.ours.get());
    const Token dead = script.token_of(removed.ours.get());
    goner.close();
    const Token future = script.token_of(other.ours.get()) + (Token{1} << 32);
    ProbeTask bystander{rt, [&](ProbeTask::Poll& poll) { EXPECT_EQ(poll.arm<Direction::read>(survivor), Armed::parked); },
                        [](ProbeTask::Poll& poll) { poll.finish(); }};
    while (!bystander.started()) co_await yield();
    constexpr std::uint32_t everything = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    script.inject(script.epoll_of(live.ours.get()), {{EPOLLIN, dead},
                                                     {everything, dead},
                                                     {EPOLLIN, future},
                                                     {everything, future},
                                                     {EPOLLIN, dead + 1000 * sizeof(Registration)},
                                                     {EPOLLIN, script.token_of(live.ours.get())}});
    EXPECT_EQ(co_await next_edge<Direction::read>(speaker), IoResult{0});
    EXPECT_TRUE(parked_to_read(survivor));
    EXPECT_EQ(bystander.polls(), 0u);
    put(other.peer.get(), "x");
    co_await bystander.join();
    EXPECT_EQ(bystander.polls(), 1u);
  }());
}

BOTH_FORMS_RULE(STL_01, real) {
  Script script{sys::Op::epoll_wait};
  Rt& rt = runtime<Rt>();
  Pair live = socket_pair();
  rt.block_on([&]() -> Task<> {
    Ghost<Rt> ghost{rt, script};
    auto speaker = BasicAsyncFd<Rt>::borrow(rt, live.ours.get());
    for (int i = 0; i < 3; ++i) {
      ghost.speak();
      put(live.peer.get(), "x");
      EXPECT_EQ(co_await next_edge<Direction::read>(speaker), IoResult{0});
      EXPECT_EQ(drain(live.ours.get()), 1u);
    }
    EXPECT_EQ(was_reported(script, ghost.token()), kernel_knows_descriptors());
    EXPECT_EQ(rt.stats().registrations, 1u);
  }());
}

// --- STL-02 -------------------------------------------------------------------------------------------------------------------

namespace {

/// A's task destroys B's handle while B's reader is parked and B's event stands behind A's.
template <class Rt, class MakeReady>
Task<> destroy_neighbour(Rt& rt, Script& script, SyncPoints& points, MakeReady make_ready) {
  Pair a = socket_pair(), b = socket_pair();
  const int fd_b = b.ours.get();
  auto first = BasicAsyncFd<Rt>::borrow(rt, a.ours.get());
  std::optional<BasicTcpStream<Rt>> second{BasicTcpStream<Rt>::adopt(rt.ref(), b.ours.release()).take()};
  int completions = 0;
  auto reading = [&]() -> Task<IoResult> {
    std::byte byte;
    const IoResult result = co_await second->read({&byte, 1});
    ++completions;
    co_return result;
  };
  auto closing = [&]() -> Task<> {
    EXPECT_EQ(co_await next_edge<Direction::read>(first), IoResult{0});
    second.reset();
  };
  Passage parked{points, SyncPoint::io_parked};
  parked.watch();
  auto reader = rt.spawn(reading());
  co_await parked.seen();
  parked.watch();
  auto closer = rt.spawn(closing());
  co_await parked.seen();
  make_ready(a, b, fd_b);
  co_await closer;
  EXPECT_EQ(co_await reader, IoResult{-EBADF});
  EXPECT_EQ(completions, 1);
  EXPECT_EQ(script.count(sys::Op::recv, fd_b), 1u) << "an attempt on a descriptor that is no longer ours";
}

}  // namespace

// Two workers may run the two tasks in either order, so there is nothing to promise about the batch.

BOTH_FORMS_RULE(STL_02, scripted) {
  if (workers() > 1) return;
  Script script{sys::Op::recv};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  rt.block_on(destroy_neighbour(rt, script, points, [&](Pair& a, Pair&, int fd_b) {
    const Token first = script.token_of(a.ours.get()), second = script.token_of(fd_b);
    script.inject(script.epoll_of(fd_b), {{EPOLLIN, first}, {EPOLLIN, second}});
  }));
}

BOTH_FORMS_RULE(STL_02, real) {
  NEEDS_READINESS();  // in which order two arrivals are completed is the kernel's to say
  if (workers() > 1) return;
  Script script{sys::Op::recv};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  rt.block_on(destroy_neighbour(rt, script, points, [&](Pair& a, Pair& b, int) {
    put(a.peer.get(), "x");
    put(b.peer.get(), "x");
  }));
}

/// The same without an event of its own: only the removal can end the wait.
BOTH_FORMS_RULE(STL_02, no_event) {
  if (workers() > 1) return;
  Script script{sys::Op::recv};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  rt.block_on(destroy_neighbour(rt, script, points, [&](Pair& a, Pair&, int) { put(a.peer.get(), "x"); }));
}

// --- STL-03 -------------------------------------------------------------------------------------------------------------------

namespace {

/// A's task gives descriptor number n, and its slot, to a silent socket while an event of the old n stands behind A's.
template <class Rt, class MakeReady>
Task<> reuse_number(Rt& rt, Script& script, SyncPoints& points, MakeReady make_ready) {
  Pair a = socket_pair(), old = socket_pair(), fresh = socket_pair();
  old.ours = at_far_number(old.ours);
  const int n = old.ours.get();
  auto first = BasicAsyncFd<Rt>::borrow(rt, a.ours.get());
  std::optional<BasicAsyncFd<Rt>> former{BasicAsyncFd<Rt>::own(rt, old.ours.release())};
  const Token former_token = script.token_of(n);
  std::atomic<bool> spoken{false};
  auto replacing = [&]() -> Task<> {
    EXPECT_EQ(co_await next_edge<Direction::read>(first), IoResult{0});
    former.reset();
    checked(::dup2(fresh.ours.get(), n), "dup2");
    auto handle = BasicAsyncFd<Rt>::own(rt, n);
    EXPECT_NE(script.token_of(n), former_token);
    EXPECT_EQ(slot_of(script.token_of(n)), slot_of(former_token));
    EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
    EXPECT_TRUE(spoken) << "the event of another connection was taken for ours";
  };
  Passage parked{points, SyncPoint::io_parked};
  parked.watch();
  auto replacer = rt.spawn(replacing());
  co_await parked.seen();
  parked.watch();
  make_ready(a, old, n);
  co_await parked.seen();
  co_await events_dispatched(rt);
  co_await yield();
  spoken = true;
  put(fresh.peer.get(), "x");
  co_await replacer;
}

}  // namespace

BOTH_FORMS_RULE(STL_03, scripted) {
  Script script;
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  rt.block_on(reuse_number(rt, script, points, [&](Pair& a, Pair&, int n) {
    const Token first = script.token_of(a.ours.get()), second = script.token_of(n);
    script.inject(script.epoll_of(n), {{EPOLLIN, first}, {EPOLLIN, second}});
  }));
}

BOTH_FORMS_RULE(STL_03, real) {
  if (workers() > 1) return;  // the second worker may be done with A before the old n is ready
  Script script;
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  rt.block_on(reuse_number(rt, script, points, [&](Pair& a, Pair& old, int) {
    put(a.peer.get(), "x");
    put(old.peer.get(), "x");
  }));
}

}  // namespace reactorlab::conformance
