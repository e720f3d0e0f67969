// URG: names of files that a ring has requests for.

#include <string>

#include "core/udp.hpp"
#include "harness/conformance/addresses.hpp"
#include "harness/conformance/rings.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

template <class Listener>
Task<> accepts_one(Listener& listener) {
  auto accepted = co_await listener.accept();
  (void)accepted.take();
}
template <class Listener, class Stream, class Address>
Task<> brings_one(IRuntime& rt, Listener& listener, const Address& address) {
  auto accepting = rt.spawn(accepts_one(listener));
  auto connected = co_await Stream::connect(rt, address);
  (void)connected.take();
  co_await accepting;
}
template <class Socket>
Task<> receives_one(Socket& socket) {
  std::byte byte;
  const auto there = co_await socket.recv_from({&byte, 1});
  EXPECT_EQ(there.result, IoResult{1});
}
template <class Socket, class Address>
Task<> sends_itself_one(IRuntime& rt, Socket& socket, const Address& address) {
  auto receiving = rt.spawn(receives_one(socket));
  const IoResult sent = co_await socket.send_to(bytes_of("x"), address);
  EXPECT_EQ(sent, IoResult{1});
  co_await receiving;
}

/// It has waited on the listener, and holds it until its frame is destroyed.
Task<> keeps_after_one(TcpListener listener, AutoResetEvent& accepted, AutoResetEvent& never) {
  (void)(co_await listener.accept()).take();
  accepted.set();
  co_await never.wait();
}

/// Waited for by a task, closed by the thread that calls: whichever it was that asked the kernel, the name is free.
template <class Listener, class Stream, class Address>
void expect_free_after_connections(IRuntime& rt, const Address& wanted) {
  auto listener = Listener::bind(rt, wanted);
  const Address address = listener.local_address();
  rt.block_on(brings_one<Listener, Stream>(rt, listener, address));
  listener.close();
  EXPECT_NO_THROW((void)Listener::bind(rt, address));
}
template <class Socket, class Address>
void expect_free_after_datagrams(IRuntime& rt, const Address& wanted) {
  auto socket = Socket::bind(rt, wanted);
  const Address address = socket.local_address();
  rt.block_on(sends_itself_one(rt, socket, address));
  socket.close();
  EXPECT_NO_THROW((void)Socket::bind(rt, address));
}

}  // namespace

// --- URG-09 -------------------------------------------------------------------------------------------------------------------

RULE(URG_09, names) {
  NEEDS_RING();
  IRuntime& rt = runtime();
  expect_free_after_connections<TcpListener, TcpStream>(rt, own_loopback());
  expect_free_after_datagrams<UdpSocket>(rt, own_loopback());
  const std::string unique = "conformance-" + std::to_string(::getpid());
  expect_free_after_connections<UnixListener, UnixStream>(rt, UnixAddress::abstract(unique));
  expect_free_after_datagrams<UnixDatagram>(rt, UnixAddress::abstract(unique));
}

RULE(URG_09, a_name_at_the_end) {
  NEEDS_RING();
  AutoResetEvent accepted, never;
  IRuntime& rt = runtime();
  auto listener = TcpListener::bind(rt, own_loopback());
  const SocketAddress address = listener.local_address();
  rt.block_on([&]() -> Task<> {
    rt.spawn(keeps_after_one(std::move(listener), accepted, never)).detach();
    (void)(co_await TcpStream::connect(rt, address)).take();
    co_await accepted.wait();
  }());
  end_runtime();
  EXPECT_NO_THROW((void)TcpListener::bind(runtime(), address));
}

/// The requests of a duplicate are another source's.
RULE(URG_09, duplicates) {
  NEEDS_RING();
  std::atomic<unsigned> ended{0};
  Script script;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  const Fd duplicate{checked(::dup(pair.ours.get()), "dup")};
  rt.block_on([&]() -> Task<> {
    auto one = AsyncFd::borrow(rt, pair.ours.get()), other = AsyncFd::borrow(rt, duplicate.get());
    ParkedProbe<Direction::read, AsyncFd> probe{rt, other};
    co_await probe.parked();
    co_await events_dispatched(rt);
    const auto note_end = [&, source = script.token_of(duplicate.get())](io_uring_cqe& completion) {
      ended += name_in(completion.user_data) == source && !(completion.flags & IORING_CQE_F_MORE);
    };
    script.alter(RingRequest::poll, note_end, 1, Script::forever);
    one.close();
    for (int turn = 0; turn < 3; ++turn) co_await events_dispatched(rt);
    EXPECT_EQ(probe.polls(), 0u);
    put(pair.peer.get(), "x");
    co_await probe.polled();
    EXPECT_EQ(ended, 0u) << "by another's close";
    co_await probe.end();
  }());
}

}  // namespace reactorlab::conformance
