// REG: what one direction of a registration may do to the other.

#include "harness/conformance/kit.hpp"
#include "harness/conformance/probe_task.hpp"

namespace reactorlab::conformance {

// --- REG-10 -------------------------------------------------------------------------------------------------------------------

namespace {

/// A scripted event that names `woken` only: that probe is polled once, the other stays parked, unpolled.
template <Direction woken, Direction other>
void one_direction(IRuntime& rt, Script& script, std::uint32_t mask) {
  Pair pair = socket_pair();
  fill(pair.ours.get());
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    ProbeTask stays{rt, [&](ProbeTask::Poll& poll) { EXPECT_EQ(poll.arm<other>(handle), Armed::parked); }};
    ProbeTask wakes{rt, [&](ProbeTask::Poll& poll) { EXPECT_EQ(poll.arm<woken>(handle), Armed::parked); },
                    [](ProbeTask::Poll& poll) { poll.finish(); }};
    co_await waiters_are(rt, 2);
    script.inject_edge(pair.ours.get(), mask);
    co_await wakes.join();
    EXPECT_EQ(wakes.polls(), 1u);
    EXPECT_TRUE(handle.is_parked(other, stays.waker().header()));
    co_await events_dispatched(rt);
    EXPECT_EQ(stays.polls(), 0u);
    handle.close();
    stays.join().cancel();
  }());
}

}  // namespace

RULE(REG_10, scripted_out) {
  Script script;
  one_direction<Direction::write, Direction::read>(runtime(), script, EPOLLOUT);
}

RULE(REG_10, scripted_in) {
  Script script;
  one_direction<Direction::read, Direction::write>(runtime(), script, EPOLLIN);
}

RULE(REG_10, peer_drains) {
  Script script{sys::Op::read};
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, fd);
    std::byte byte;
    const auto read = [&]() -> Task<IoResult> { co_return co_await handle.read({&byte, 1}); };
    const auto write = [&]() -> Task<IoResult> { co_return co_await handle.write(bytes_of("x")); };
    fill(fd);
    auto reader = rt.spawn(read());
    auto writer = rt.spawn(write());
    co_await waiters_are(rt, 2);
    EXPECT_EQ(script.count(sys::Op::read, fd), 1u);
    drain(pair.peer.get());
    EXPECT_EQ(co_await writer, IoResult{1});
    co_await events_dispatched(rt);
    EXPECT_EQ(script.count(sys::Op::read, fd), 1u) << "room to write made the reader try";
    put(pair.peer.get(), "x");
    EXPECT_EQ(co_await reader, IoResult{1});
  }());
}

// --- REG-11 -------------------------------------------------------------------------------------------------------------------

RULE(REG_11, hundred_rounds) {
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, fd);
    std::byte byte;
    const auto read = [&]() -> Task<IoResult> { co_return co_await handle.read({&byte, 1}); };
    const auto write = [&]() -> Task<IoResult> { co_return co_await handle.write(bytes_of("x")); };
    std::optional<JoinHandle<IoResult>> reader, writer;
    for (int round = 0; round <= 100; ++round) {
      const bool data = round % 3 != 1 || round == 100, room = round % 3 != 0 || round == 100;
      if (!reader) reader = rt.spawn(read());
      if (!writer) {
        fill(fd);
        writer = rt.spawn(write());
      }
      co_await waiters_are(rt, 2);
      if (data) put(pair.peer.get(), "x");
      if (room) drain(pair.peer.get());
      if (data) {
        EXPECT_EQ(co_await *std::exchange(reader, std::nullopt), IoResult{1});
      }
      if (room) {
        EXPECT_EQ(co_await *std::exchange(writer, std::nullopt), IoResult{1});
      }
    }
  }());
}

RULE(REG_11, withdrawing_the_writer) {
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, fd);
    std::byte byte;
    const auto read = [&]() -> Task<IoResult> { co_return co_await handle.read({&byte, 1}); };
    const auto write = [&]() -> Task<IoResult> { co_return co_await handle.write(bytes_of("x")); };
    fill(fd);
    auto reader = rt.spawn(read());
    auto writer = rt.spawn(write());
    co_await waiters_are(rt, 2);
    writer.cancel();
    co_await waiters_are(rt, 1);
    put(pair.peer.get(), "x");
    EXPECT_EQ(co_await reader, IoResult{1});
  }());
}

}  // namespace reactorlab::conformance
