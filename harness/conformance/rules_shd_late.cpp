// SHD: what waits on a runtime that ends, and who comes when it has ended.

#include <array>
#include <thread>

#include "harness/conformance/errors.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/tasks.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

namespace {

constexpr IoResult gone = -ESHUTDOWN;

SocketAddress any_port() { return SocketAddress::loopback(0); }

/// Handles of a runtime on which every operation would wait.
struct Handles {
  explicit Handles(IRuntime& rt)
      : handle{AsyncFd::borrow(rt, empty.ours.get())},
        reader{stream_over(rt, std::move(silent.ours))},
        writer{stream_over(rt, std::move(full.ours))},
        listener{TcpListener::bind(rt, any_port())},
        datagrams{UdpSocket::bind(rt, any_port())} {
    fill(writer.fd());
  }

  Pair empty = socket_pair(), silent = socket_pair(), full = socket_pair();
  AsyncFd handle;
  TcpStream reader, writer;
  TcpListener listener;
  UdpSocket datagrams;
};

Task<IoResult> edge_of(AsyncFd& handle) { co_return co_await next_edge<Direction::read>(handle); }
Task<IoResult> read_from(TcpStream& stream) {
  std::byte byte;
  co_return co_await stream.read({&byte, 1});
}
Task<IoResult> write_to(TcpStream& stream) {
  const std::byte byte{};
  co_return co_await stream.write_all({&byte, 1});
}
Task<IoResult> accept_from(TcpListener& listener) { co_return -(co_await listener.accept()).error(); }
Task<IoResult> receive_from(UdpSocket& socket) {
  std::byte byte;
  co_return (co_await socket.recv({&byte, 1})).result;
}
Task<IoResult> sleep_on(IRuntime& rt) { co_return co_await sleep(rt, 1h); }
Task<IoResult> wait_for(DeadlineTimer& timer) { co_return co_await timer.wait(); }
/// The limit is kept by a runtime that the stream needn't be of.
Task<IoResult> read_with_limit(IRuntime& rt, TcpStream& stream) {
  std::byte byte;
  co_return co_await timeout(rt, 1h, stream.read({&byte, 1}));
}

}  // namespace

// --- SHD-02 -------------------------------------------------------------------------------------------------------------------

/// Two of each kind: the second one stands in the list of further waiters.
RULE(SHD_02, waiters_of_another_runtime) {
  NEEDS(foreign_registration);
  auto other = make();
  auto rt = make();
  Handles of{*rt};
  std::vector<JoinHandle<IoResult>> waiting;
  for (int i = 0; i < 2; ++i) {
    waiting.push_back(other->spawn(edge_of(of.handle)));
    waiting.push_back(other->spawn(read_from(of.reader)));
    waiting.push_back(other->spawn(write_to(of.writer)));
    waiting.push_back(other->spawn(accept_from(of.listener)));
    waiting.push_back(other->spawn(receive_from(of.datagrams)));
  }
  while (rt->stats().waiters != waiting.size()) std::this_thread::yield();
  rt.reset();
  for (auto& each : waiting) EXPECT_EQ(each.wait(), gone);
}

RULE(SHD_02, sleepers_of_another_runtime) {
  NEEDS(foreign_registration);
  auto other = make();
  auto rt = make();
  Pair pair = socket_pair();
  auto stream = stream_over(*other, std::move(pair.ours));
  DeadlineTimer timer{*rt, clock::now() + 1h};
  std::vector<JoinHandle<IoResult>> waiting;
  waiting.push_back(other->spawn(sleep_on(*rt)));
  waiting.push_back(other->spawn(wait_for(timer)));
  waiting.push_back(other->spawn(read_with_limit(*rt, stream)));
  while (rt->stats().pending_timers != waiting.size()) std::this_thread::yield();
  rt.reset();
  for (auto& each : waiting) EXPECT_EQ(each.wait(), gone);
}

RULE(SHD_02, each_is_woken_once) {
  NEEDS(foreign_registration);
  auto other = make();
  auto rt = make();
  Pair pair = socket_pair();
  auto handle = AsyncFd::borrow(*rt, pair.ours.get());
  using Probe = ParkedProbe<Direction::read, AsyncFd>;
  Probe first{*other, handle}, second{*other, handle};
  other->block_on([&]() -> Task<> {
    co_await first.parked();
    co_await second.parked();
  }());
  rt.reset();
  other->block_on([&]() -> Task<> {
    co_await first.polled();
    co_await second.polled();
    co_await first.end();
    co_await second.end();
  }());
  EXPECT_EQ(first.polls(), 1u);
  EXPECT_EQ(second.polls(), 1u);
}

/// Nothing wakes who would wait now, so that each of these has to end at once.
RULE(SHD_02, later_operations) {
  auto rt = make();
  Handles of{*rt};
  rt.reset();
  auto next = make();
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(next->block_on(edge_of(of.handle)), gone);
    EXPECT_EQ(next->block_on(read_from(of.reader)), gone);
    EXPECT_EQ(next->block_on(write_to(of.writer)), gone);
    EXPECT_EQ(next->block_on(accept_from(of.listener)), gone);
    EXPECT_EQ(next->block_on(receive_from(of.datagrams)), gone);
  }
}

// --- SHD-05 -------------------------------------------------------------------------------------------------------------------

namespace {

/// Spawns whose bodies never run, each in its own way of looking at the join.
void expect_spawns_refused(IRuntime& rt) {
  std::atomic<unsigned> ran{0}, ends{0};
  const auto body = [&](Witness) -> Task<int> {
    ran.fetch_add(1);
    co_return 42;
  };
  auto waited_for = rt.spawn(body(Witness{ends}));
  EXPECT_TRUE(waited_for.done()) << "the join isn't resolved";
  EXPECT_EQ(ends, 1u) << "the frame isn't destroyed";
  Waker{*waited_for.header()}.wake();
  waited_for.cancel();
  EXPECT_THROW(waited_for.wait(), TaskCancelled);
  rt.spawn(body(Witness{ends})).detach();
  EXPECT_EQ(ends, 2u);
  EXPECT_EQ(ran, 0u);
}

}  // namespace

RULE(SHD_05, every_way_in) {
  IRuntime& rt = runtime();
  rt.shutdown(Duration::zero());
  Pair pair = tcp_pair();
  const ProcessState before = ProcessState::now();
  for (int round = 0; round < 3; ++round) {
    expect_spawns_refused(rt);
    EXPECT_THROW(rt.block_on([]() -> Task<> { co_return; }()), TaskCancelled);
    EXPECT_EQ(error_of([&] { return AsyncFd::borrow(rt, pair.ours.get()); }), ESHUTDOWN);
    EXPECT_EQ(error_of([&] { return TcpListener::bind(rt, any_port()); }), ESHUTDOWN);
    EXPECT_EQ(error_of([&] { return UdpSocket::bind(rt, any_port()); }), ESHUTDOWN);
    EXPECT_EQ(TcpStream::adopt(rt.ref(), pair.ours.get()).error(), ESHUTDOWN);
  }
  EXPECT_EQ(ProcessState::now().descriptors, before.descriptors);
  put(pair.ours.get(), "x");  // it is still ours
  EXPECT_EQ(take(pair.peer.get(), 1), "x");
}

RULE(SHD_05, from_a_foreign_thread) {
  IRuntime& rt = runtime();
  rt.shutdown(Duration::zero());
  std::optional<JoinHandle<void>> dropped_at_home;
  on_another_thread([&] {
    expect_spawns_refused(rt);
    dropped_at_home.emplace(rt.spawn([]() -> Task<> { co_return; }()));
  });
  EXPECT_TRUE(dropped_at_home->done());
}

RULE(SHD_05, timers_and_connections_of_another_runtimes_tasks) {
  NEEDS(foreign_registration);
  auto other = make();
  auto rt = make();
  Listening peer = listening();
  DeadlineTimer timer{*rt, clock::now() + 1h};
  Pair pair = socket_pair();
  auto stream = stream_over(*other, std::move(pair.ours));
  rt->shutdown(Duration::zero());
  EXPECT_EQ(other->block_on(sleep_on(*rt)), gone);
  EXPECT_EQ(other->block_on(wait_for(timer)), gone);
  EXPECT_EQ(other->block_on(read_with_limit(*rt, stream)), gone);
  const auto connecting = [&]() -> Task<IoResult> {
    co_return -(co_await TcpStream::connect(*rt, SocketAddress::loopback(ntohs(peer.address.sin_port)))).error();
  };
  EXPECT_EQ(other->block_on(connecting()), gone);
}

/// Before, during and after: whatever becomes of a task, its join says so and its frame ends.
RULE(SHD_05, eight_threads_go_on_spawning) {
  constexpr unsigned threads = 8, before_the_end = 10, after_the_end = 20;
  std::atomic<unsigned> spawned{0}, ends{0}, returned{0}, cancelled{0};
  std::atomic<bool> over{false};
  IRuntime& rt = runtime();
  const auto body = [](Witness) -> Task<> { co_await yield(); };
  const auto spawn_on_and_on = [&] {
    for (unsigned left = after_the_end; left > 0; left -= over ? 1 : 0) {
      spawned.fetch_add(1);
      auto join = rt.spawn(body(Witness{ends}));
      try {
        join.wait();
        returned.fetch_add(1);
      } catch (const TaskCancelled&) {
        cancelled.fetch_add(1);
      }
    }
  };
  std::vector<std::thread> spawning;
  for (unsigned i = 0; i < threads; ++i) spawning.emplace_back(spawn_on_and_on);
  rt.block_on([&]() -> Task<> {
    while (returned < threads * before_the_end) co_await yield();
  }());
  rt.shutdown(Duration::zero());
  over = true;
  for (auto& thread : spawning) thread.join();
  EXPECT_EQ(ends, spawned);
  EXPECT_EQ(returned + cancelled, spawned);
  EXPECT_GE(cancelled, threads * (after_the_end - 1));
}

}  // namespace reactorlab::conformance
