// NET: how a stream ends: by its end, by half of it, by a reset, by its own side.

#include <optional>
#include <thread>

#include "harness/conformance/addresses.hpp"
#include "harness/conformance/foreign.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/streams.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

constexpr std::size_t mebibyte = 1 << 20;

void reset(Fd& peer) {
  reset_on_close(peer.get());
  peer.close();
}

}  // namespace

// --- NET-08 -------------------------------------------------------------------------------------------------------------------

RULE(NET_08, a_mebibyte_and_the_end) {
  const std::string sent = pattern(mebibyte);
  IRuntime& rt = runtime();
  for (const auto& make_pair : kinds_of_stream_pairs) {
    Pair pair = make_pair();
    const std::jthread peer{[&] {
      put(pair.peer.get(), sent);
      pair.peer.close();
    }};
    rt.block_on([&]() -> Task<> {
      auto stream = stream_over(rt, std::move(pair.ours));
      EXPECT_TRUE(co_await read_to_end(stream, 64 * 1024) == sent);
      std::byte byte;
      for (int again = 0; again < 3; ++again) EXPECT_EQ(co_await stream.read({&byte, 1}), IoResult{0});
    }());
  }
}

RULE(NET_08, hang_up_behind_the_data) {
  const std::string sent = pattern(16 * 1024);
  IRuntime& rt = runtime();
  for (const auto& make_pair : kinds_of_stream_pairs) {
    Pair pair = make_pair();
    const int fd = pair.ours.get();
    rt.block_on([&]() -> Task<> {
      auto stream = stream_over(rt, std::move(pair.ours));
      EXPECT_EQ(stream.shutdown_write(), IoResult{0});  // so that the peer's end is the end of both directions
      put(pair.peer.get(), sent);
      pair.peer.close();
      wait_for(fd, POLLHUP);
      co_await events_dispatched(rt);
      EXPECT_TRUE(co_await read_to_end(stream, 1000) == sent);
      const Lease lease = co_await stream.read_lease();
      EXPECT_EQ(lease.result(), IoResult{0});
    }());
  }
}

// --- NET-09 -------------------------------------------------------------------------------------------------------------------

RULE(NET_09, a_mebibyte_after_the_peers_end) {
  const std::string sent = pattern(mebibyte);
  IRuntime& rt = runtime();
  for (const auto& make_pair : kinds_of_stream_pairs) {
    Pair pair = make_pair();
    checked(::shutdown(pair.peer.get(), SHUT_WR), "shutdown");
    std::string got;
    std::jthread peer{[&] { got = take(pair.peer.get(), sent.size() + 1); }};
    rt.block_on([&]() -> Task<> {
      auto stream = stream_over(rt, std::move(pair.ours));
      std::byte byte;
      EXPECT_EQ(co_await stream.read({&byte, 1}), IoResult{0});
      EXPECT_EQ(co_await stream.write_all(bytes_of(sent)), IoResult{static_cast<long>(sent.size())});
    }());
    peer.join();
    EXPECT_TRUE(got == sent);
  }
}

// --- NET-10 -------------------------------------------------------------------------------------------------------------------

RULE(NET_10, the_reader_waits) {
  Script script{sys::Op::recv};
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = tcp_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    const auto reads = [&]() -> Task<> {
      std::byte byte;
      EXPECT_EQ(co_await stream.read({&byte, 1}), IoResult{-ECONNRESET});
      EXPECT_EQ(co_await stream.read({&byte, 1}), IoResult{0});
    };
    auto reader = co_await spawn_parked(rt, points, reads());
    reset(pair.peer);
    co_await reader;
    for (int turn = 0; turn < 3; ++turn) co_await events_dispatched(rt);
    EXPECT_EQ(script.count(sys::Op::recv, fd), 3u) << "would-block, the reset, the end";
  }());
}

RULE(NET_10, the_writer_waits) {
  const std::string sent(more_than_any_buffer, 'w');
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = tcp_pair();
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    const auto writes = [&]() -> Task<> {
      EXPECT_EQ(co_await stream.write_all(bytes_of(sent)), IoResult{-ECONNRESET});
      EXPECT_EQ(co_await stream.write_all(bytes_of("x")), IoResult{-EPIPE});
    };
    auto writer = co_await spawn_parked(rt, points, writes());
    reset(pair.peer);
    co_await writer;
  }());
}

RULE(NET_10, both_wait) {
  const std::string sent(more_than_any_buffer, 'w');
  IRuntime& rt = runtime();
  Pair pair = tcp_pair();
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    const auto reads = [&]() -> Task<int> {
      std::byte byte;
      const IoResult read = co_await stream.read({&byte, 1});
      EXPECT_LE(read.value(), 0);
      co_return read.error();
    };
    const auto writes = [&]() -> Task<int> { co_return (co_await stream.write_all(bytes_of(sent))).error(); };
    auto reader = rt.spawn(reads());
    auto writer = rt.spawn(writes());
    co_await waiters_are(rt, 2);
    reset(pair.peer);
    // The kernel gives its one ECONNRESET to whoever asks first.
    const int read = co_await reader, write = co_await writer;
    EXPECT_TRUE((read == ECONNRESET && write == EPIPE) || (read == 0 && write == ECONNRESET)) << read << " and " << write;
  }());
}

// --- NET-13 -------------------------------------------------------------------------------------------------------------------

namespace {

/// One handle of each kind, each with its operations waiting. They see what the handles' closing makes of them.
struct Waiting {
  std::optional<TcpStream> stream;
  std::optional<TcpListener> listener;
  std::optional<UdpSocket> socket;
  std::vector<JoinHandle<IoResult>> operations;

  explicit Waiting(IRuntime& rt, Pair& pair)
      : stream{stream_over(rt, std::move(pair.ours))},
        listener{TcpListener::bind(rt, SocketAddress::loopback(0))},
        socket{UdpSocket::bind(rt, SocketAddress::loopback(0))} {
    fill(stream->fd());
    operations.push_back(rt.spawn(reading()));
    operations.push_back(rt.spawn(writing()));
    operations.push_back(rt.spawn(accepting()));
    operations.push_back(rt.spawn(receiving()));
  }

  void close() {
    stream->close();
    listener->close();
    socket->close();
  }
  void destroy() {
    stream.reset();
    listener.reset();
    socket.reset();
  }

 private:
  Task<IoResult> reading() {
    std::byte byte;
    co_return co_await stream->read({&byte, 1});
  }
  Task<IoResult> writing() { co_return co_await stream->write_all(bytes_of("x")); }
  Task<IoResult> accepting() { co_return -(co_await listener->accept()).error(); }
  Task<IoResult> receiving() {
    std::byte byte;
    co_return (co_await socket->recv({&byte, 1})).result;
  }
};

constexpr std::uint64_t operations_of_waiting = 4;

}  // namespace

RULE(NET_13, by_another_task) {
  IRuntime& rt = runtime();
  for (const auto end : {&Waiting::close, &Waiting::destroy}) {
    Pair pair = socket_pair();
    rt.block_on([&]() -> Task<> {
      Waiting waiting{rt, pair};
      co_await waiters_are(rt, operations_of_waiting);
      (waiting.*end)();
      for (auto& operation : waiting.operations) EXPECT_EQ(co_await operation, IoResult{-EBADF});
    }());
  }
}

RULE(NET_13, by_a_foreign_thread) {
  NEEDS(foreign_registration);
  IRuntime& rt = runtime();
  for (const auto end : {&Waiting::close, &Waiting::destroy}) {
    Pair pair = socket_pair();
    Waiting waiting{rt, pair};
    rt.block_on(waiters_are(rt, operations_of_waiting));
    on_another_thread([&] { (waiting.*end)(); });
    for (auto& operation : waiting.operations) EXPECT_EQ(operation.wait(), IoResult{-EBADF});
  }
}

// --- NET-14 -------------------------------------------------------------------------------------------------------------------

RULE(NET_14, twice_while_a_reader_waits) {
  SyncPoints points;
  IRuntime& rt = runtime();
  for (const auto& make_pair : kinds_of_stream_pairs) {
    Pair pair = make_pair();
    rt.block_on([&]() -> Task<> {
      auto stream = stream_over(rt, std::move(pair.ours));
      const auto reads = [&]() -> Task<> {
        std::byte byte;
        EXPECT_EQ(co_await stream.read({&byte, 1}), IoResult{1});
      };
      auto reader = co_await spawn_parked(rt, points, reads());
      for (int again = 0; again < 2; ++again) EXPECT_EQ(stream.shutdown_write(), IoResult{0});
      EXPECT_EQ(take(pair.peer.get(), 1), "") << "the peer reads the end";
      co_await events_dispatched(rt);
      EXPECT_EQ(rt.stats().waiters, 1u) << "it ended the reader too";
      put(pair.peer.get(), "x");
      co_await reader;
      EXPECT_EQ(co_await stream.write_all(bytes_of("x")), IoResult{-EPIPE});
    }());
  }
}

RULE(NET_14, after_the_end) {
  IRuntime& rt = runtime();
  const auto succeeds_or_says_why = [](IoResult shut) { return shut.ok() || shut.error() == ENOTCONN; };
  rt.block_on([&]() -> Task<> {
    std::byte byte;
    Pair ended = tcp_pair(), was_reset = tcp_pair();
    auto stream = stream_over(rt, std::move(ended.ours));
    ended.peer.close();
    EXPECT_EQ(co_await stream.read({&byte, 1}), IoResult{0});
    for (int again = 0; again < 2; ++again) EXPECT_TRUE(succeeds_or_says_why(stream.shutdown_write()));

    auto broken = stream_over(rt, std::move(was_reset.ours));
    reset(was_reset.peer);
    EXPECT_EQ(co_await broken.read({&byte, 1}), IoResult{-ECONNRESET});
    for (int again = 0; again < 2; ++again) EXPECT_EQ(broken.shutdown_write(), IoResult{-ENOTCONN});

    auto unconnected = stream_over(rt, Fd{checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket")});
    EXPECT_EQ(unconnected.shutdown_write(), IoResult{-ENOTCONN});

    stream.close();
    EXPECT_EQ(stream.shutdown_write(), IoResult{-EBADF});
  }());
}

}  // namespace reactorlab::conformance
