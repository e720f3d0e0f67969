// URG: requests that end by themselves.

#include <thread>

#include "harness/conformance/rings.hpp"
#include "harness/conformance/streams.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

/// A task that waits for a text on a stream.
Task<> expects(TcpStream& stream, std::string_view text) {
  const Lease lease = co_await stream.read_lease();
  EXPECT_EQ(lease.result().error(), 0);
  EXPECT_EQ(text_of(lease.bytes()), text);
}

/// The kernel ends the request that this source has; its end has been looked at.
Task<> ended(IRuntime& rt, const Script& script, int fd, RingRequest kind) {
  co_await events_dispatched(rt);  // it has reached the kernel
  EXPECT_TRUE(end_request(script.epoll_of(fd), user_data(script.token_of(fd), kind)));
  co_await events_dispatched(rt);
}

/// Three messages, before each of which the kernel ends the receive that its reader waits for.
void read_behind_ends(IRuntime& rt, const Script& script) {
  SyncPoints points;
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    for (const std::string_view text : {"first", "second", "third"}) {
      auto reader = co_await spawn_parked(rt, points, expects(stream, text));
      co_await ended(rt, script, fd, RingRequest::receive);
      put(pair.peer.get(), text);
      co_await reader;
    }
  }());
}

}  // namespace

// --- URG-07 -------------------------------------------------------------------------------------------------------------------

RULE(URG_07, poll_of_a_source) {
  NEEDS_RING();
  Script script;
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, fd);
    for (int again = 0; again < 3; ++again) {
      const auto waits = [&]() -> Task<> { EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0}); };
      auto waiter = co_await spawn_parked(rt, points, waits());
      co_await ended(rt, script, fd, RingRequest::poll);
      put(pair.peer.get(), "x");
      co_await waiter;
      EXPECT_EQ(take(fd, 1), "x");
    }
  }());
}

RULE(URG_07, poll_of_the_kick) {
  NEEDS_RING();
  Script script{sys::Op::epoll_ctl};
  IRuntime& rt = runtime();
  const int kick = script.log_of(sys::Op::epoll_ctl).at(0).fd;
  rt.block_on([&]() -> Task<> {
    for (int again = 0; again < 3; ++again) {
      co_await ended(rt, script, kick, RingRequest::poll);
      AutoResetEvent woken;
      const std::jthread stranger{[&] {
        script.wait_until_asleep();
        woken.set();
      }};
      co_await woken.wait();
    }
  }());
}

RULE(URG_07, receive) {
  NEEDS_COMPLETION();
  Script script;
  read_behind_ends(runtime(), script);
}

RULE(URG_07, receive_whose_credit_is_used) {
  NEEDS_COMPLETION();
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  const std::string text = pattern(1 << 20);
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    const auto reads = [&]() -> Task<> { EXPECT_TRUE(co_await read_to_end(stream, 5'000) == text); };
    auto reader = co_await spawn_parked(rt, points, reads());
    const std::jthread peer{[&] {
      put(pair.peer.get(), text);
      pair.peer.close();
    }};
    co_await reader;
  }());
}

RULE(URG_07, accept) {
  NEEDS_COMPLETION();
  Script script{sys::Op::epoll_ctl};
  SyncPoints points;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto listener = TcpListener::bind(rt, SocketAddress::loopback(0));
    const int fd = listener.fd();
    for (int again = 0; again < 3; ++again) {
      const auto accepts = [&]() -> Task<> { EXPECT_TRUE(co_await listener.accept()); };
      auto acceptor = co_await spawn_parked(rt, points, accepts());
      co_await ended(rt, script, fd, RingRequest::accept);
      sockaddr_in address;
      std::memcpy(&address, listener.local_address().data(), sizeof address);
      const Fd client = connect_to(address);
      co_await acceptor;
    }
  }());
}

RULE(URG_07, datagrams) {
  NEEDS_COMPLETION();
  Script script;
  SyncPoints points;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto socket = UdpSocket::bind(rt, SocketAddress::loopback(0)), peer = UdpSocket::bind(rt, SocketAddress::loopback(0));
    const int fd = socket.fd();
    for (const std::string_view text : {"first", "2nd", "last"}) {
      const auto receives = [&]() -> Task<> {
        std::byte room[8];
        const auto got = co_await socket.recv_from(room);
        EXPECT_EQ(text_of(std::span{room}.first(got.result.count())), text);
        EXPECT_EQ(got.from.to_string(), peer.local_address().to_string());
      };
      auto receiver = co_await spawn_parked(rt, points, receives());
      co_await ended(rt, script, fd, RingRequest::datagram);
      EXPECT_EQ(co_await peer.send_to(bytes_of(text), socket.local_address()), IoResult{static_cast<long>(text.size())});
      co_await receiver;
    }
  }());
}

// --- URG-08 -------------------------------------------------------------------------------------------------------------------

RULE(URG_08, no_buffer_is_no_end) {
  NEEDS_COMPLETION();
  Script script;
  // An end that brings nothing, as for want of a buffer.
  const auto for_want_of_a_buffer = [](io_uring_cqe& completion) {
    if (completion.res == -ECANCELED) completion.res = -ENOBUFS;
  };
  script.alter(RingRequest::receive, for_want_of_a_buffer, 1, Script::forever);
  read_behind_ends(runtime(), script);
}

RULE(URG_08, more_messages_than_buffers) {
  NEEDS_COMPLETION();
  constexpr unsigned crowd = 300;  // there are 128 buffers
  std::atomic<unsigned> without_buffer{0}, receives{0};
  Script script;
  script.alter(
      RingRequest::receive,
      [&](io_uring_cqe& completion) {
        ++receives;
        if (completion.res == -ENOBUFS) ++without_buffer;
      },
      1, Script::forever);
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    std::vector<Fd> peers;
    std::vector<std::unique_ptr<TcpStream>> streams;
    std::vector<JoinHandle<void>> readers;
    while (streams.size() < crowd) {
      Pair pair = socket_pair();
      streams.push_back(std::make_unique<TcpStream>(stream_over(rt, std::move(pair.ours))));
      readers.push_back(rt.spawn(expects(*streams.back(), "message")));
      peers.push_back(std::move(pair.peer));
    }
    co_await waiters_are(rt, crowd);
    co_await events_dispatched(rt);
    for (const Fd& peer : peers) put(peer.get(), "message");
    for (auto& reader : readers) co_await reader;
  }());
  if (confined()) {
    EXPECT_GT(without_buffer, 0u) << "there were enough";
  }
  EXPECT_LE(receives, 10 * crowd) << "a loop";
}

RULE(URG_08, a_lease_is_its_readers) {
  NEEDS_COMPLETION();
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    Lease kept;
    const auto reads = [&]() -> Task<> { kept = co_await stream.read_lease(); };
    auto reader = co_await spawn_parked(rt, points, reads());
    co_await events_dispatched(rt);
    put(pair.peer.get(), "what is kept");
    co_await reader;
    for (int i = 0; i < 300; ++i) {
      const std::string text = "what comes later " + std::to_string(i);
      put(pair.peer.get(), text);
      co_await expects(stream, text);
    }
    EXPECT_EQ(text_of(kept.bytes()), "what is kept");
  }());
}

}  // namespace reactorlab::conformance
