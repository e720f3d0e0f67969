// WBL: would-block after a wake.

#include <algorithm>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/passage.hpp"
#include "harness/conformance/thief.hpp"

namespace reactorlab::conformance {

namespace {

/// One byte, or what the read said instead.
template <class Rt>
Task<long> read_byte(BasicTcpStream<Rt>& stream) {
  std::byte byte{};
  const IoResult result = co_await stream.read({&byte, 1});
  co_return result == IoResult{1} ? static_cast<long>(byte) : result.value();
}

/// 0, or the error of accepting. The connection is closed.
template <class Rt>
Task<int> accept_one(BasicTcpListener<Rt>& listener) {
  Outcome<BasicTcpStream<Rt>> accepted = co_await listener.accept();
  co_return accepted.error();
}

sockaddr_in address_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  checked(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return address;
}

}  // namespace

// --- WBL-01 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(WBL_01, real) {
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    Passage parked{points, SyncPoint::io_parked}, blocked{points, SyncPoint::io_after_would_block};
    parked.watch();
    auto first = rt.spawn(read_byte<Rt>(stream));
    co_await parked.seen();
    parked.watch();
    auto second = rt.spawn(read_byte<Rt>(stream));
    co_await parked.seen();
    EXPECT_EQ(rt.stats().waiters, 2u);
    blocked.watch();
    put(pair.peer.get(), "a");
    co_await blocked.seen();  // the loser
    put(pair.peer.get(), "b");
    const long got[] = {co_await first, co_await second};
    EXPECT_EQ(std::min(got[0], got[1]), 'a');
    EXPECT_EQ(std::max(got[0], got[1]), 'b');
  }());
}

BOTH_FORMS_RULE(WBL_01, scripted) {
  Script script{sys::Op::recv};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    Passage parked{points, SyncPoint::io_parked};
    parked.watch();
    auto reader = rt.spawn(read_byte<Rt>(stream));
    co_await parked.seen();
    script.fail(sys::Op::recv, fd, EAGAIN);
    parked.watch();
    put(pair.peer.get(), "x");
    co_await parked.seen();
    EXPECT_FALSE(reader.done());
    script.inject_edge(fd, EPOLLIN);
    EXPECT_EQ(co_await reader, 'x');
  }());
  EXPECT_EQ(script.count(sys::Op::recv, fd), 3u);
}

// --- WBL-02 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(WBL_02, real) {
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    fill(fd);
    auto writing = [&]() -> Task<IoResult> { co_return co_await stream.write_all(bytes_of("w")); };
    Passage parked{points, SyncPoint::io_parked};
    parked.watch();
    auto writer = rt.spawn(writing());
    co_await parked.seen();
    parked.watch();
    auto reader = rt.spawn(read_byte<Rt>(stream));
    co_await parked.seen();
    EXPECT_EQ(rt.stats().waiters, 2u);
    drain(pair.peer.get());
    EXPECT_EQ(co_await writer, IoResult{1});
    EXPECT_FALSE(reader.done());
    put(pair.peer.get(), "r");
    EXPECT_EQ(co_await reader, 'r');
  }());
}

BOTH_FORMS_RULE(WBL_02, scripted) {
  NEEDS_READINESS();
  Script script{sys::Op::send};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    script.fail(sys::Op::send, fd, EAGAIN);
    EXPECT_EQ(co_await stream.write_all(bytes_of("1")), IoResult{1});  // widened from here on: no edge by widening below

    script.inject_edge(fd, EPOLLOUT, false);
    co_await events_dispatched(rt);
    Passage parked{points, SyncPoint::io_parked};
    parked.watch();
    auto reader = rt.spawn(read_byte<Rt>(stream));
    co_await parked.seen();
    script.clear_log();
    script.fail(sys::Op::send, fd, EAGAIN);
    EXPECT_EQ(co_await stream.write_all(bytes_of("2")), IoResult{1});
    EXPECT_EQ(script.count(sys::Op::send, fd), 2u);

    put(pair.peer.get(), "r");
    EXPECT_EQ(co_await reader, 'r');
  }());
  EXPECT_EQ(take(pair.peer.get(), 2), "12");
}

// --- WBL-03 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(WBL_03, real) {
  NEEDS_READINESS();
  Script script{sys::Op::epoll_wait};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    auto listener = BasicTcpListener<Rt>::bind(rt, SocketAddress::loopback(0));
    const sockaddr_in address = address_of(listener.fd());
    Thief thief{script, points, [&] { Fd taken{checked(::accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK), "accept4")}; }};
    std::vector<Fd> clients;
    std::vector<JoinHandle<int>> acceptors;
    Passage parked{points, SyncPoint::io_parked}, blocked{points, SyncPoint::io_after_would_block};
    for (int i = 0; i < 2; ++i) {
      parked.watch();
      acceptors.push_back(rt.spawn(accept_one<Rt>(listener)));
      co_await parked.seen();
    }
    blocked.watch();
    clients.push_back(connect_to(address));
    co_await blocked.seen();  // one of the two came too late

    blocked.watch();
    thief.lurk(listener.fd());
    clients.push_back(connect_to(address));
    co_await blocked.seen();  // the kernel reported it, but we took it

    parked.watch();
    acceptors.push_back(rt.spawn(accept_one<Rt>(listener)));
    co_await parked.seen();
    clients.push_back(connect_to(address));
    clients.push_back(connect_to(address));
    for (auto& acceptor : acceptors) EXPECT_EQ(co_await acceptor, 0);
  }());
}

BOTH_FORMS_RULE(WBL_03, scripted) {
  Script script{sys::Op::accept4};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    auto listener = BasicTcpListener<Rt>::bind(rt, SocketAddress::loopback(0));
    const int fd = listener.fd();
    Passage parked{points, SyncPoint::io_parked};
    parked.watch();
    auto acceptor = rt.spawn(accept_one<Rt>(listener));
    co_await parked.seen();
    script.fail(sys::Op::accept4, fd, EAGAIN);
    parked.watch();
    const Fd client = connect_to(address_of(fd));
    co_await parked.seen();
    EXPECT_FALSE(acceptor.done());
    script.inject_edge(fd, EPOLLIN);
    EXPECT_EQ(co_await acceptor, 0);
    EXPECT_EQ(script.count(sys::Op::accept4, fd), 3u);
  }());
}

}  // namespace reactorlab::conformance
