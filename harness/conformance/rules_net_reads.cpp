// NET: reads that take nothing, and bytes that aren't read like others.

#include "harness/conformance/addresses.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/streams.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

void send_urgent(const Fd& from) { checked(::send(from.get(), "!", 1, MSG_OOB), "send urgent"); }

}  // namespace
// --- NET-16 -------------------------------------------------------------------------------------------------------------------

RULE(NET_16, what_was_peeked_at_is_read) {
  SyncPoints points;
  IRuntime& rt = runtime();
  for (const auto& make_pair : kinds_of_stream_pairs) {
    for (const bool waits : {false, true}) {
      Pair pair = make_pair();
      rt.block_on([&]() -> Task<> {
        auto stream = stream_over(rt, std::move(pair.ours));
        const auto reads = [&]() -> Task<> {
          std::byte buffer[64];
          for (int again = 0; again < 3; ++again) {
            EXPECT_EQ(co_await stream.peek(buffer), IoResult{3});
            EXPECT_EQ(text_of({buffer, 3}), "abc");
          }
          EXPECT_EQ(co_await stream.read(buffer), IoResult{3});
          EXPECT_EQ(text_of({buffer, 3}), "abc");
        };
        if (!waits) put(pair.peer.get(), "abc");
        if (!waits) co_return co_await reads();
        auto reader = co_await spawn_parked(rt, points, reads());
        put(pair.peer.get(), "abc");
        co_await reader;
      }());
    }
  }
}

// --- NET-21 -------------------------------------------------------------------------------------------------------------------

RULE(NET_21, a_read_passes_over_it) {
  Script script{sys::Op::recv};
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = tcp_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    const auto reads = [&]() -> Task<> {
      std::byte buffer[64];
      EXPECT_EQ(co_await stream.read(buffer), IoResult{1});
      EXPECT_EQ(text_of({buffer, 1}), "x");
    };
    auto reader = co_await spawn_parked(rt, points, reads());
    send_urgent(pair.peer);
    for (int turn = 0; turn < 50; ++turn) co_await events_dispatched(rt);
    EXPECT_LE(script.count(sys::Op::recv, fd), 10u) << "it is looked at in every turn";
    EXPECT_FALSE(reader.done());
    put(pair.peer.get(), "x");
    co_await reader;
  }());
}

RULE(NET_21, nobody_reads) {
  Script script{sys::Op::poll};
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = tcp_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, fd);
    const auto waits = [&]() -> Task<> {
      const IoResult ready = co_await handle.readable();
      EXPECT_TRUE(ready.value() & POLLIN);
    };
    auto waiter = co_await spawn_parked(rt, points, waits());
    send_urgent(pair.peer);
    wait_for(fd, POLLPRI);
    for (int turn = 0; turn < 50; ++turn) co_await events_dispatched(rt);
    EXPECT_LE(script.count(sys::Op::poll, fd), 10u) << "it is looked at in every turn";
    EXPECT_FALSE(waiter.done());
    put(pair.peer.get(), "x");
    co_await waiter;
  }());
}

// --- NET-25 -------------------------------------------------------------------------------------------------------------------

RULE(NET_25, nothing_is_read_or_written) {
  IRuntime& rt = runtime();
  for (const auto& make_pair : kinds_of_stream_pairs) {
    Pair pair = make_pair();
    const int fd = pair.ours.get();
    rt.block_on([&]() -> Task<> {
      auto handle = AsyncFd::borrow(rt, fd);
      EXPECT_EQ(co_await handle.read({}), IoResult{0});
      EXPECT_EQ(co_await handle.write({}), IoResult{0});
      handle.close();

      auto stream = stream_over(rt, std::move(pair.ours));
      char text[] = "ab";
      iovec parts[] = {{text, 0}, {text, 1}, {text, 0}, {text + 1, 1}, {text, 0}};
      EXPECT_EQ(co_await stream.read({}), IoResult{0});
      EXPECT_EQ(co_await stream.peek({}), IoResult{0});
      EXPECT_EQ(co_await stream.write_all(std::span<const std::byte>{}), IoResult{0});
      EXPECT_EQ(co_await stream.write_vector({}), IoResult{0});
      EXPECT_EQ(co_await stream.write_vector(std::span{parts}.first(1)), IoResult{0});
      EXPECT_EQ(co_await stream.write_vector(parts), IoResult{2});
      EXPECT_EQ(take(pair.peer.get(), 2), "ab");

      put(pair.peer.get(), "x");
      EXPECT_EQ(co_await stream.read({}), IoResult{0});
      std::byte byte;
      EXPECT_EQ(co_await stream.read({&byte, 1}), IoResult{1});
    }());
  }
}

}  // namespace reactorlab::conformance
