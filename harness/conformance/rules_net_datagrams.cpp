// NET: datagrams.

#include <array>
#include <optional>

#include "harness/conformance/addresses.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

/// One after another, each received before the next is sent: its boundaries are kept, whatever its size.
template <class Socket>
Task<> expect_boundaries(Socket& from, Socket& to) {
  std::vector<std::byte> buffer(70'000);
  constexpr std::size_t sizes[] = {0, 1, 65'507, 0};
  for (const std::size_t size : sizes) {
    const std::string text(size, 'd');
    EXPECT_EQ(co_await from.send(bytes_of(text)), IoResult{static_cast<long>(size)});
    const Received received = co_await to.recv(buffer);
    EXPECT_EQ(received.result, IoResult{static_cast<long>(size)});
    EXPECT_FALSE(received.truncated());
  }
}

/// Of three datagrams the first is cut, the second is thrown away, the third is whole.
template <class Socket>
Task<> expect_cuts_reported(Socket& from, Socket& to) {
  for (const char* const text : {"0123456789", "abc", "xyz"}) EXPECT_TRUE(co_await from.send(bytes_of(text)));
  std::array<std::byte, 4> buffer;
  const Received cut = co_await to.recv(buffer);
  EXPECT_EQ(cut.result, IoResult{4});
  EXPECT_EQ(cut.size, 10u);
  EXPECT_TRUE(cut.truncated());
  const Received dropped = co_await to.recv({});
  EXPECT_EQ(dropped.result, IoResult{0});
  EXPECT_EQ(dropped.size, 3u);
  EXPECT_TRUE(dropped.truncated());
  const Received whole = co_await to.recv(buffer);
  EXPECT_EQ(whole.size, 3u);
  EXPECT_FALSE(whole.truncated());
  EXPECT_EQ(text_of(std::span{buffer}.first(3)), "xyz");
}

constexpr int crowd = 100;

/// Receives the numbers from 0, one per await.
template <class Socket>
Task<> expect_numbers(Socket& socket) {
  for (int i = 0; i < crowd; ++i) {
    std::byte buffer[8];
    const Received received = co_await socket.recv(buffer);
    EXPECT_EQ(text_of({buffer, received.size}), std::to_string(i));
  }
}

void send_numbers(int fd, const SocketAddress& to) {
  for (int i = 0; i < crowd; ++i) {
    const std::string text = std::to_string(i);
    checked(::sendto(fd, text.data(), text.size(), 0, to.data(), to.size()), "sendto");
  }
}

Fd udp() { return Fd{checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket")}; }

}  // namespace

// --- NET-17 -------------------------------------------------------------------------------------------------------------------

RULE(NET_17, udp) {
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto from = UdpSocket::bind(rt, SocketAddress::loopback(0)), to = UdpSocket::bind(rt, SocketAddress::loopback(0));
    EXPECT_TRUE(from.connect(to.local_address()));
    co_await expect_boundaries(from, to);
    const std::string too_big(65'508, 'd');
    EXPECT_EQ(co_await from.send(bytes_of(too_big)), IoResult{-EMSGSIZE});
    co_await expect_cuts_reported(from, to);
  }());
}

RULE(NET_17, unix_datagrams) {
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto [from, to] = UnixDatagram::pair(rt).take();
    co_await expect_boundaries(from, to);
    const std::string too_big(16 << 20, 'd');
    EXPECT_EQ(co_await from.send(bytes_of(too_big)), IoResult{-EMSGSIZE});
    co_await expect_cuts_reported(from, to);
  }());
}

RULE(NET_17, an_empty_one_wakes) {
  SyncPoints points;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto socket = UdpSocket::bind(rt, SocketAddress::loopback(0));
    const auto receives = [&]() -> Task<> {
      std::byte buffer[8];
      for (const long size : {0L, 1L}) EXPECT_EQ((co_await socket.recv_from(buffer)).result, IoResult{size});
    };
    auto receiver = co_await spawn_parked(rt, points, receives());
    const Fd sender = udp();
    const SocketAddress to = socket.local_address();
    checked(::sendto(sender.get(), "", 0, 0, to.data(), to.size()), "sendto");
    checked(::sendto(sender.get(), "x", 1, 0, to.data(), to.size()), "sendto");
    co_await receiver;
  }());
}

// --- NET-18 -------------------------------------------------------------------------------------------------------------------

RULE(NET_18, queued_before_anybody_receives) {
  IRuntime& rt = runtime();
  auto socket = UdpSocket::bind(rt, SocketAddress::loopback(0));
  send_numbers(udp().get(), socket.local_address());
  rt.block_on(expect_numbers(socket));
}

RULE(NET_18, queued_during_a_turn) {
  SyncPoints points;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto socket = UdpSocket::bind(rt, SocketAddress::loopback(0));
    const SocketAddress to = socket.local_address();
    auto receiver = co_await spawn_parked(rt, points, expect_numbers(socket));
    const Fd sender = udp();
    AutoResetEvent sent;
    points.at(SyncPoint::poll_returned, [&] {
      send_numbers(sender.get(), to);
      sent.set();
    });
    co_await events_dispatched(rt);
    co_await sent.wait();
    co_await receiver;
  }());
}

// --- NET-19 -------------------------------------------------------------------------------------------------------------------

namespace {

/// Until no socket has that address.
Task<> until_free(const SocketAddress& address) {
  for (;;) {
    const Fd probe{checked(::socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket")};
    if (::bind(probe.get(), address.data(), address.size()) == 0) co_return;
    co_await yield();
  }
}

}  // namespace

RULE(NET_19, one_operation_is_told) {
  Script script{sys::Op::recvfrom};
  SyncPoints points;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto socket = UdpSocket::bind(rt, own_loopback());
    const int fd = socket.fd();
    std::optional<UdpSocket> peer = UdpSocket::bind(rt, own_loopback());
    const SocketAddress there = peer->local_address();
    peer.reset();
    if (!closes_at_once()) co_await until_free(there);
    EXPECT_TRUE(socket.connect(there));

    std::byte buffer[8];
    const auto receives = [&](IoResult expected) -> Task<> { EXPECT_EQ((co_await socket.recv(buffer)).result, expected); };
    auto told = co_await spawn_parked(rt, points, receives(-ECONNREFUSED));
    EXPECT_EQ(co_await socket.send(bytes_of("anybody?")), IoResult{8});
    co_await told;

    script.clear_log();
    auto waiting = rt.spawn(receives(5));
    for (int turn = 0; turn < 20; ++turn) co_await events_dispatched(rt);
    EXPECT_LE(script.count(sys::Op::recvfrom, fd), 3u) << "the error is remembered as an end";

    peer = UdpSocket::bind(rt, there);
    EXPECT_EQ(co_await socket.send(bytes_of("hello")), IoResult{5});
    const auto question = co_await peer->recv_from(buffer);
    EXPECT_EQ(question.result, IoResult{5});
    EXPECT_EQ(co_await peer->send_to(bytes_of("hello"), question.from), IoResult{5});
    co_await waiting;
  }());
}

RULE(NET_19, the_sender_is_told) {
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto socket = UdpSocket::bind(rt, own_loopback());
    std::optional<UdpSocket> peer = UdpSocket::bind(rt, own_loopback());
    const SocketAddress there = peer->local_address();
    peer.reset();
    if (!closes_at_once()) co_await until_free(there);
    EXPECT_TRUE(socket.connect(there));
    EXPECT_EQ(co_await socket.send(bytes_of("anybody?")), IoResult{8});
    wait_for(socket.fd(), 0);  // for the error
    EXPECT_EQ(co_await socket.send(bytes_of("anybody?")), IoResult{-ECONNREFUSED});
    peer = UdpSocket::bind(rt, there);
    EXPECT_EQ(co_await socket.send(bytes_of("hello")), IoResult{5});
    std::byte buffer[8];
    EXPECT_EQ((co_await peer->recv(buffer)).result, IoResult{5});
  }());
}

}  // namespace reactorlab::conformance
