// RDY: who is woken, how often, and who isn't.

#include <algorithm>
#include <atomic>
#include <thread>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

// --- RDY-06 -------------------------------------------------------------------------------------------------------------------

// A leaf is awaited by one frame, so the task under it can't change.
static_assert(!std::is_copy_constructible_v<ReadOperation<TcpStream>> && !std::is_move_constructible_v<ReadOperation<TcpStream>>);
static_assert(!std::is_copy_constructible_v<AcceptOperation<TcpListener>>);

BOTH_FORMS_RULE(RDY_06, withdrawn_and_taken_over) {
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    using Probe = ParkedProbe<Direction::read, BasicAsyncFd<Rt>>;
    Probe former{rt, handle};
    co_await former.parked();
    co_await former.withdraw();
    Probe latter{rt, handle};
    co_await latter.parked();
    EXPECT_EQ(rt.stats().waiters, 1u);
    put(pair.peer.get(), "x");
    co_await latter.polled();
    co_await former.end();
    co_await latter.end();
    EXPECT_EQ(former.polls(), 0u);
    EXPECT_EQ(latter.polls(), 1u);
  }());
}

BOTH_FORMS_RULE(RDY_06, reader_after_a_timeout) {
  VirtualClock& time = use_virtual_time();
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = tcp_pair();
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    const auto impatient = [&]() -> Task<> {
      std::byte byte;
      const IoResult late = co_await timeout(rt, 1s, stream.read({&byte, 1}));
      EXPECT_EQ(late, IoResult{-ETIME});
    };
    const auto patient = [&]() -> Task<> {
      std::byte byte;
      EXPECT_EQ(co_await stream.read({&byte, 1}), IoResult{1});
    };
    auto former = co_await spawn_parked(rt, points, impatient());
    time.advance(2s);
    co_await former;
    EXPECT_EQ(rt.stats().waiters, 0u);
    auto latter = co_await spawn_parked(rt, points, patient());
    put(pair.peer.get(), "x");
    co_await latter;
  }());
}

// --- RDY-09 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(RDY_09, together_and_alone) {
  constexpr std::uint32_t read_only = EPOLLIN, write_only = EPOLLOUT, read_and_write = read_only | write_only;
  Script script;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  fill(fd);
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, fd, Interest::both);
    for (const std::uint32_t mask : {read_and_write, read_only, write_only}) {
      ParkedProbe<Direction::read, BasicAsyncFd<Rt>> reader{rt, handle};
      co_await reader.parked();
      ParkedProbe<Direction::write, BasicAsyncFd<Rt>> writer{rt, handle};
      co_await writer.parked();
      EXPECT_EQ(rt.stats().waiters, 2u);
      script.inject_edge(fd, mask);
      if (mask & EPOLLIN) co_await reader.polled();
      if (mask & EPOLLOUT) co_await writer.polled();
      co_await events_dispatched(rt);
      co_await reader.end();
      co_await writer.end();
      EXPECT_EQ(reader.polls(), mask & EPOLLIN ? 1u : 0u) << mask;
      EXPECT_EQ(writer.polls(), mask & EPOLLOUT ? 1u : 0u) << mask;
    }
  }());
}

BOTH_FORMS_RULE(RDY_09, both_ways_through_one_stream) {
  constexpr std::size_t size = 4 << 20;
  Rt& rt = runtime<Rt>();
  Pair pair = tcp_pair();
  set_nonblocking(pair.peer.get(), true);
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    auto peer = stream_over(rt, std::move(pair.peer));
    const std::string text(size, 'x');
    const auto echo = [&]() -> Task<> {
      for (;;) {
        const Lease lease = co_await peer.read_lease();
        if (lease.bytes().empty()) co_return;
        const IoResult written = co_await peer.write_all(lease);
        EXPECT_TRUE(written.ok());
      }
    };
    const auto write = [&]() -> Task<> {
      const IoResult written = co_await stream.write_all(bytes_of(text));
      EXPECT_EQ(written, IoResult{static_cast<long>(size)});
      (void)stream.shutdown_write();
    };
    auto echoing = rt.spawn(echo());
    auto writing = rt.spawn(write());
    std::size_t got = 0;
    while (got < size) {
      const Lease lease = co_await stream.read_lease();
      if (lease.bytes().empty()) break;
      got += lease.bytes().size();
    }
    EXPECT_EQ(got, size);
    co_await writing;
    co_await echoing;
  }());
}

// --- RDY-10 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(RDY_10, all_are_polled_in_order) {
  constexpr unsigned tasks = 50;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, fd);
    using Probe = ParkedProbe<Direction::read, BasicAsyncFd<Rt>>;
    std::mutex mutex;
    std::vector<unsigned> order, readers;
    std::vector<std::unique_ptr<Probe>> probes;
    for (unsigned i = 0; i < tasks; ++i) {
      probes.push_back(std::make_unique<Probe>(rt, handle, [&, i] {
        std::lock_guard lock{mutex};
        order.push_back(i);
        char byte;
        const bool got_it = ::read(fd, &byte, 1) == 1;
        if (got_it) readers.push_back(i);
        return !got_it;
      }));
      co_await probes.back()->parked();
    }
    std::vector<unsigned> waiting(tasks);
    for (unsigned i = 0; i < tasks; ++i) waiting[i] = i;
    for (unsigned round = 1; round <= 3; ++round) {
      EXPECT_EQ(rt.stats().waiters, waiting.size());
      {
        // Also says, to a checker that can't see what the kernel orders, that the polls to come follow our reading of the last.
        std::lock_guard lock{mutex};
        order.clear();
      }
      put(pair.peer.get(), "x");
      for (const unsigned i : waiting) co_await probes[i]->polled();
      if (workers() > 1) std::ranges::sort(order);  // there they run side by side
      EXPECT_EQ(order.size(), waiting.size());
      EXPECT_TRUE(workers() > 1 || order == waiting);
      for (const unsigned i : waiting) EXPECT_EQ(probes[i]->polls(), round);
      EXPECT_EQ(readers.size(), round);
      if (readers.size() != round) break;
      std::erase(waiting, readers.back());
    }
    for (auto& probe : probes) co_await probe->end();
  }());
}

BOTH_FORMS_RULE(RDY_10, each_of_fifty_readers_is_served) {
  constexpr unsigned tasks = 50;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    AutoResetEvent served;
    const auto reader = [&]() -> Task<> {
      std::byte byte;
      EXPECT_EQ(co_await handle.read({&byte, 1}), IoResult{1});
      served.set();
    };
    std::vector<JoinHandle<void>> readers;
    for (unsigned i = 0; i < tasks; ++i) readers.push_back(rt.spawn(reader()));
    for (unsigned i = 0; i < tasks; ++i) {
      put(pair.peer.get(), "x");
      co_await served.wait();
    }
    for (auto& each : readers) co_await each;
  }());
}

RULE(RDY_10, one_is_about_to_park_when_the_edge_comes) {
  if (workers() < 2) GTEST_SKIP() << "needs two workers";
  if (uses_ring()) GTEST_SKIP() << "the worker that is held may be the one that hands requests over";
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  std::atomic<unsigned> served{0};
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    const auto reads = [&]() -> Task<> {
      std::byte byte;
      EXPECT_EQ(co_await handle.read({&byte, 1}), IoResult{1});
      ++served;
    };
    auto parked = co_await spawn_parked(rt, points, reads());
    // One edge for two bytes; it takes out the one that is parked, and he takes one of them.
    points.at(SyncPoint::io_after_would_block, [&] {
      put(pair.peer.get(), "xy");
      while (served == 0) std::this_thread::yield();
    });
    auto late = rt.spawn(reads());
    co_await parked;
    co_await late;
  }());
  EXPECT_EQ(served, 2u);
}

// --- RDY-11 -------------------------------------------------------------------------------------------------------------------

// A withdrawn waiter keeps nothing alive.
static_assert(std::is_trivially_destructible_v<Waker>);

enum class Leaving { cancelled, timed_out };

/// Three tasks wait; the one called `leaver` gives up; one edge serves the others.
template <class Rt>
Task<> one_of_three_leaves(Rt& rt, SyncPoints& points, VirtualClock& time, unsigned leaver, Leaving how, bool ordered) {
  Pair pair = socket_pair();
  auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
  std::mutex mutex;
  std::vector<unsigned> woken;
  const auto waits = [&](unsigned i) -> Task<> {
    if (i == leaver && how == Leaving::timed_out) {
      const IoResult late = co_await timeout(rt, 1s, next_edge<Direction::read>(handle));
      EXPECT_EQ(late, IoResult{-ETIME});
      co_return;
    }
    EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
    std::lock_guard lock{mutex};
    woken.push_back(i);
  };
  std::vector<JoinHandle<void>> tasks;
  for (unsigned i = 0; i < 3; ++i) tasks.push_back(co_await spawn_parked(rt, points, waits(i)));
  EXPECT_EQ(rt.stats().waiters, 3u);

  bool cancelled = false;
  if (how == Leaving::cancelled) tasks[leaver].cancel();
  if (how == Leaving::timed_out) time.advance(2s);
  try {
    co_await tasks[leaver];
  } catch (const TaskCancelled&) {
    cancelled = true;
  }
  EXPECT_EQ(cancelled, how == Leaving::cancelled);
  EXPECT_EQ(rt.stats().waiters, 2u);

  put(pair.peer.get(), "x");
  for (unsigned i = 0; i < 3; ++i) {
    if (i != leaver) co_await tasks[i];
  }
  std::vector<unsigned> expected{0, 1, 2};
  std::erase(expected, leaver);
  if (!ordered) std::ranges::sort(woken);
  EXPECT_EQ(woken, expected);
}

BOTH_FORMS_RULE(RDY_11, one_of_three) {
  VirtualClock& time = use_virtual_time();
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  for (const Leaving how : {Leaving::cancelled, Leaving::timed_out}) {
    for (unsigned leaver = 0; leaver < 3; ++leaver) {
      rt.block_on(one_of_three_leaves(rt, points, time, leaver, how, workers() < 2));
    }
  }
}

}  // namespace reactorlab::conformance
