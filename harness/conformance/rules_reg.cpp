// REG: registrations and tokens. What a registration promises while it lives.

#include <barrier>
#include <random>
#include <semaphore>
#include <set>
#include <thread>

#include "harness/conformance/ghost.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/probe_task.hpp"

namespace reactorlab::conformance {
namespace {

/// The tokens of all that is registered now. One slot with two live generations counts as a shared token: the older of the two
/// is stale while its owner still waits for it. Any thread.
class LiveTokens {
 public:
  explicit LiveTokens(const Script& script) : script_{script} {}

  AsyncFd borrow(IRuntime& rt, int fd) {
    AsyncFd handle = AsyncFd::borrow(rt, fd);
    const Token token = script_.token_of(fd);
    std::lock_guard lock{mutex_};
    EXPECT_TRUE(slots_.insert(slot_of(token)).second) << "token " << token << " names two live registrations";
    return handle;
  }
  void give_back(AsyncFd handle) {
    std::lock_guard lock{mutex_};
    slots_.erase(slot_of(script_.token_of(handle.fd())));
    handle.close();
  }

 private:
  const Script& script_;
  std::mutex mutex_;
  std::set<std::uint32_t> slots_;
};

void churn(IRuntime& rt, LiveTokens& live, unsigned pairs, unsigned steps, unsigned seed) {
  std::mt19937 random{seed};
  std::vector<Pair> sockets;
  for (unsigned i = 0; i < pairs; ++i) sockets.push_back(socket_pair());
  std::vector<std::optional<AsyncFd>> handles(pairs);
  for (unsigned i = 0; i < pairs; ++i) handles[i] = live.borrow(rt, sockets[i].ours.get());
  for (unsigned step = 0; step < steps; ++step) {
    const std::size_t i = random() % pairs;
    if (handles[i]) {
      live.give_back(std::move(*handles[i]));
      handles[i].reset();
    } else {
      handles[i] = live.borrow(rt, sockets[i].ours.get());
    }
  }
  for (auto& handle : handles) {
    if (handle) live.give_back(std::move(*handle));
  }
}

}  // namespace

// --- REG-01 -------------------------------------------------------------------------------------------------------------------

RULE(REG_01, one_thread) {
  Script script;
  LiveTokens live{script};
  churn(runtime(), live, 64, 2'000, 1);
}

RULE(REG_01, eight_threads) {
  NEEDS(foreign_registration);
  constexpr unsigned threads = 8;
  Script script;
  LiveTokens live{script};
  IRuntime& rt = runtime();
  std::barrier together{threads};
  std::vector<std::thread> registering;
  for (unsigned t = 0; t < threads; ++t) {
    registering.emplace_back([&, t] {
      together.arrive_and_wait();
      churn(rt, live, 63, 500, t);
    });
  }
  for (auto& thread : registering) thread.join();
}

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

// --- REG-04 -------------------------------------------------------------------------------------------------------------------

RULE(REG_04, ready_source) {
  NEEDS(foreign_registration);
  Script script;
  IRuntime& rt = runtime();
  script.wait_until_asleep();
  Pair pair = socket_pair();
  put(pair.peer.get(), "x");
  auto handle = AsyncFd::borrow(rt, pair.ours.get());
  const auto waiting = [&]() -> Task<IoResult> { co_return co_await next_edge<Direction::read>(handle); };
  EXPECT_EQ(rt.block_on(waiting()), IoResult{0});
}

// The waiter is parked by this thread, so that not even its spawning ends the wait.
RULE(REG_04, served_with_nothing_else_happening) {
  NEEDS(foreign_registration);
  Script script{sys::Op::write};
  SyncPoints points;
  IRuntime& rt = runtime();
  std::binary_semaphore served{0};
  ProbeTask probe{rt, {}, [&](ProbeTask::Poll& poll) {
                    served.release();
                    poll.finish();
                  }};
  while (!probe.started()) std::this_thread::yield();
  script.wait_until_asleep();
  script.clear_log();

  Pair pair = socket_pair();
  auto handle = AsyncFd::borrow(rt, pair.ours.get());
  EXPECT_EQ(probe.arm<Direction::read>(handle), Armed::parked);
  put(pair.peer.get(), "x");
  served.acquire();
  EXPECT_EQ(script.log().size(), kicks_for_registration()) << "the driver was kicked";
  probe.join().wait();
}

// --- REG-05 -------------------------------------------------------------------------------------------------------------------

RULE(REG_05, three_full_buffers) {
  Script script{sys::Op::epoll_ctl};
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, fd);
    for (int round = 0; round < 3; ++round) {
      std::size_t sent = fill(fd);
      const auto write_on = [&]() -> Task<IoResult> { co_return co_await handle.write(bytes_of("more")); };
      auto writer = rt.spawn(write_on());
      co_await waiters_are(rt, 1);
      std::size_t received = drain(pair.peer.get());
      const IoResult written = co_await writer;
      EXPECT_EQ(written, IoResult{4});
      sent += written.count();
      received += drain(pair.peer.get());
      EXPECT_EQ(received, sent);
    }
  }());
  EXPECT_EQ(script.count_ctl(fd, EPOLL_CTL_ADD), 1u);
  EXPECT_EQ(script.count_ctl(fd, EPOLL_CTL_MOD), 1u);
}

RULE(REG_05, widened_during_a_wait) {
  NEEDS(foreign_registration);
  Script script{sys::Op::epoll_ctl, sys::Op::write};
  IRuntime& rt = runtime();
  std::binary_semaphore served{0};
  ProbeTask probe{rt, {}, [&](ProbeTask::Poll& poll) {
                    served.release();
                    poll.finish();
                  }};
  Pair pair = socket_pair();
  fill(pair.ours.get());
  while (!probe.started()) std::this_thread::yield();
  script.wait_until_asleep();
  const std::uint64_t before = rt.stats().events;
  auto handle = AsyncFd::borrow(rt, pair.ours.get());
  // A kick that hasn't been seen yet would make the next one needless.
  while (rt.stats().events < before + kicks_for_registration()) std::this_thread::yield();
  script.wait_until_asleep();
  script.clear_log();

  EXPECT_EQ(probe.arm<Direction::write>(handle), Armed::parked);
  drain(pair.peer.get());
  served.acquire();
  EXPECT_EQ(script.count_ctl(pair.ours.get(), EPOLL_CTL_MOD), 1u);
  EXPECT_EQ(script.log_of(sys::Op::write).size(), kicks_for_registration()) << "the driver was kicked";
  probe.join().wait();
}

// --- REG-06 -------------------------------------------------------------------------------------------------------------------

RULE(REG_06, ready_source_is_removed) {
  Script script{sys::Op::epoll_wait};
  SyncPoints points;
  if (!confined()) points.hold(SyncPoint::poll_before_block);  // so that no wait is under way
  IRuntime& rt = runtime();
  if (!confined()) points.wait_until_reached(SyncPoint::poll_before_block);
  Pair pair = socket_pair();
  auto handle = AsyncFd::borrow(rt, pair.ours.get());
  const Token token = script.token_of(pair.ours.get());
  put(pair.peer.get(), "x");
  handle.close();
  points.release(SyncPoint::poll_before_block);

  rt.block_on(events_dispatched(rt));
  for (const LoggedCall& wait : script.log()) {
    for (const Event& event : wait.events) EXPECT_NE(Token{event.token}, token);
  }
}

RULE(REG_06, parked_reader) {
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    std::atomic<int> ends{0};
    std::byte byte;
    const auto read = [&]() -> Task<IoResult> {
      const IoResult result = co_await handle.read({&byte, 1});
      ++ends;
      co_return result;
    };
    auto reader = rt.spawn(read());
    co_await waiters_are(rt, 1);
    handle.close();
    put(pair.peer.get(), "x");
    EXPECT_EQ(co_await reader, IoResult{-EBADF});
    co_await events_dispatched(rt);
    EXPECT_EQ(ends, 1);
  }());
  EXPECT_EQ(take(pair.ours.get(), 1), "x") << "whoever removed it owns what comes";
}

// --- REG-07 -------------------------------------------------------------------------------------------------------------------

RULE(REG_07, a_thousand_times) {
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    for (int round = 0; round < 1'000; ++round) {
      auto handle = AsyncFd::borrow(rt, pair.ours.get());
      if (round % 2 == 0) put(pair.peer.get(), "x");
      std::byte byte;
      auto read = [&]() -> Task<IoResult> { co_return co_await handle.read({&byte, 1}); };
      auto reader = rt.spawn(read());
      if (round % 2 == 1) put(pair.peer.get(), "x");
      EXPECT_EQ(co_await reader, IoResult{1});
    }
  }());
}

// --- REG-08 -------------------------------------------------------------------------------------------------------------------

RULE(REG_08, edge_before_the_handle_exists) {
  Script script;
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  bool turned = false;
  points.at(SyncPoint::add_after_kernel, [&] {
    put(pair.peer.get(), "x");
    turned = let_a_turn_happen(rt, script, script.epoll_of(pair.ours.get()));
  });
  auto handle = AsyncFd::borrow(rt, pair.ours.get());
  EXPECT_TRUE(turned);
  const auto waiting = [&]() -> Task<IoResult> { co_return co_await next_edge<Direction::read>(handle); };
  EXPECT_EQ(rt.block_on(waiting()), IoResult{0});
}

}  // namespace reactorlab::conformance
