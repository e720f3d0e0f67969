// NET: connecting.

#include <chrono>

#include "harness/conformance/addresses.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/passage.hpp"
#include "harness/conformance/timers.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

using namespace std::chrono_literals;

/// 0, or why there is no connection. One that there is, is closed.
Task<int> connecting(IRuntime& rt, SocketAddress peer) { co_return (co_await TcpStream::connect(rt, peer)).error(); }

void expect_nothing_left(IRuntime& rt) {
  const RuntimeStats now = rt.stats();
  EXPECT_EQ(now.registrations, 0u);
  EXPECT_EQ(now.waiters, 0u);
  EXPECT_EQ(now.pending_timers, 0u);
}

}  // namespace

// --- NET-01 -------------------------------------------------------------------------------------------------------------------

RULE(NET_01, established) {
  IRuntime& rt = runtime();
  for (const char* const any_port : {"127.0.0.1:0", "[::1]:0"}) {
    rt.block_on([&]() -> Task<> {
      auto listener = TcpListener::bind(rt, SocketAddress::parse(any_port));
      auto stream = (co_await TcpStream::connect(rt, listener.local_address())).take();
      EXPECT_EQ(stream.peer_address(), listener.local_address());
      EXPECT_EQ(co_await stream.write_all(bytes_of("hello")), IoResult{5});
      auto accepted = (co_await listener.accept()).take();
      EXPECT_EQ(accepted.peer_address(), stream.local_address());
      std::byte buffer[8];
      EXPECT_EQ(co_await accepted.read(buffer), IoResult{5});
    }());
  }
}

RULE(NET_01, refused) {
  Script script;
  IRuntime& rt = runtime();
  const RefusingPort port;
  for (const bool waits : {false, true}) {
    // The refusal is there before the first look; told to wait, it is found through its edge.
    if (waits) script.answer(sys::Op::poll, Script::any_fd, 0);
    EXPECT_EQ(rt.block_on(connecting(rt, port.address())), ECONNREFUSED);
  }
}

RULE(NET_01, not_before_the_peer_has_answered) {
  Script script{sys::Op::connect};
  SyncPoints points;
  IRuntime& rt = runtime();
  const SilentPort port;
  rt.block_on([&]() -> Task<> {
    Passage parked{points, SyncPoint::io_parked};
    parked.watch();
    auto connect = rt.spawn(connecting(rt, port.address()));
    co_await parked.seen();
    parked.watch();
    script.inject_edge(script.log_of(sys::Op::connect).front().fd, EPOLLOUT);  // says nothing by itself
    co_await parked.seen();
    EXPECT_FALSE(connect.done());
    EXPECT_TRUE(co_await cancelled(connect));
  }());
}

// --- NET-02 -------------------------------------------------------------------------------------------------------------------

RULE(NET_02, a_thousand_times) {
  IRuntime& rt = runtime();
  const RefusingPort port;
  const unsigned refused = rt.block_on([&]() -> Task<unsigned> {
    unsigned count = 0;
    for (int i = 0; i < 1'000; ++i) count += co_await connecting(rt, port.address()) == ECONNREFUSED;
    co_return count;
  }());
  EXPECT_EQ(refused, 1'000u);
  expect_nothing_left(rt);
}

RULE(NET_02, until_somebody_listens) {
  IRuntime& rt = runtime();
  const RefusingPort port;
  EXPECT_EQ(rt.block_on(connecting(rt, port.address())), ECONNREFUSED);
  port.listen();
  EXPECT_EQ(rt.block_on(connecting(rt, port.address())), 0);
  expect_nothing_left(rt);
}

// --- NET-03 -------------------------------------------------------------------------------------------------------------------

RULE(NET_03, limited) {
  VirtualClock& time = use_virtual_time();
  IRuntime& rt = runtime();
  const SilentPort port;
  rt.block_on([&]() -> Task<> {
    const auto connects = [&]() -> Task<bool> {
      const auto in_time = co_await timeout(rt, 50ms, connecting(rt, port.address()));
      co_return in_time.has_value();
    };
    auto connect = rt.spawn(connects());
    co_await waiters_are(rt, 1);
    co_await timers_are(rt, 1);
    time.advance(1s);
    EXPECT_FALSE(co_await connect);
    expect_nothing_left(rt);
  }());
}

RULE(NET_03, cancelled) {
  IRuntime& rt = runtime();
  const SilentPort port;
  rt.block_on([&]() -> Task<> {
    auto connect = rt.spawn(connecting(rt, port.address()));
    co_await waiters_are(rt, 1);
    EXPECT_TRUE(co_await cancelled(connect));
    expect_nothing_left(rt);
  }());
}

RULE(NET_03, left_behind) {
  IRuntime& rt = runtime();
  const SilentPort port;
  rt.block_on([&]() -> Task<> {
    rt.spawn(connecting(rt, port.address())).detach();
    co_await waiters_are(rt, 1);
  }());
  end_runtime();  // the fixture looks for its descriptor
}

}  // namespace reactorlab::conformance
