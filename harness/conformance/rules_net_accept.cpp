// NET: accepting.

#include "harness/conformance/addresses.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

constexpr unsigned crowd = 50;

sockaddr_in v4(const SocketAddress& address) {
  sockaddr_in v4;
  std::memcpy(&v4, address.data(), sizeof v4);
  return v4;
}

/// Connections that wait in a listener's queue, or will very soon.
std::vector<Fd> clients(const SocketAddress& address, unsigned count) {
  std::vector<Fd> all;
  while (all.size() < count) all.push_back(connect_to(v4(address)));
  return all;
}

/// How many connections were accepted until one wasn't, at most that many. They are closed.
Task<unsigned> accepting(TcpListener& listener, unsigned most) {
  for (unsigned count = 0; count < most; ++count) {
    const Outcome<TcpStream> accepted = co_await listener.accept();
    if (!accepted) co_return count;
  }
  co_return most;
}

/// The error of accepting, or 0.
Task<int> error_of_accept(TcpListener& listener) { co_return (co_await listener.accept()).error(); }

void expect_nonblocking_and_private(int fd) {
  EXPECT_TRUE(checked(::fcntl(fd, F_GETFL), "fcntl") & O_NONBLOCK);
  EXPECT_TRUE(checked(::fcntl(fd, F_GETFD), "fcntl") & FD_CLOEXEC);
}

}  // namespace

// --- NET-04 -------------------------------------------------------------------------------------------------------------------

RULE(NET_04, queued_before_anybody_accepts) {
  IRuntime& rt = runtime();
  auto listener = TcpListener::bind(rt, SocketAddress::loopback(0));
  const std::vector<Fd> waiting = clients(listener.local_address(), crowd);
  EXPECT_EQ(rt.block_on(accepting(listener, crowd)), crowd);
}

RULE(NET_04, queued_during_a_turn) {
  SyncPoints points;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto listener = TcpListener::bind(rt, SocketAddress::loopback(0));
    auto acceptor = rt.spawn(accepting(listener, crowd));
    co_await waiters_are(rt, 1);
    std::vector<Fd> others;
    AutoResetEvent connected;
    points.at(SyncPoint::poll_returned, [&] {
      others = clients(listener.local_address(), crowd - 1);
      connected.set();
    });
    const std::vector<Fd> first = clients(listener.local_address(), 1);
    co_await connected.wait();
    EXPECT_EQ(co_await acceptor, crowd);
  }());
}

// --- NET-05 -------------------------------------------------------------------------------------------------------------------

RULE(NET_05, tcp) {
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto listener = TcpListener::bind(rt, SocketAddress::loopback(0));
    const std::vector<Fd> client = clients(listener.local_address(), 1);
    const auto accepted = (co_await listener.accept()).take();
    expect_nonblocking_and_private(accepted.fd());
  }());
}

RULE(NET_05, unix_socket) {
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto listener = UnixListener::bind(rt, UnixAddress{});
    const auto client = (co_await UnixStream::connect(rt, listener.local_address())).take();
    const auto accepted = (co_await listener.accept()).take();
    expect_nonblocking_and_private(accepted.fd());
    expect_nonblocking_and_private(client.fd());
  }());
}

// --- NET-06 -------------------------------------------------------------------------------------------------------------------

RULE(NET_06, scripted) {
  Script script;
  SyncPoints points;
  IRuntime& rt = runtime();
  for (const int error : {ECONNABORTED, EPROTO, EINTR}) {
    rt.block_on([&]() -> Task<> {
      auto listener = TcpListener::bind(rt, SocketAddress::loopback(0));
      const auto accepts = [&]() -> Task<> { EXPECT_EQ(co_await error_of_accept(listener), 0) << "after errno " << error; };
      auto acceptor = co_await spawn_parked(rt, points, accepts());
      script.fail(sys::Op::accept4, listener.fd(), error);
      const std::vector<Fd> client = clients(listener.local_address(), 1);
      co_await acceptor;
    }());
  }
}

RULE(NET_06, reset_in_the_queue) {
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto listener = TcpListener::bind(rt, SocketAddress::loopback(0));
    {
      const std::vector<Fd> gone = clients(listener.local_address(), 1);
      wait_for(listener.fd(), POLLIN);
      reset_on_close(gone.front().get());
    }
    auto first = (co_await listener.accept()).take();
    std::byte byte;
    EXPECT_EQ(co_await first.read({&byte, 1}), IoResult{-ECONNRESET});
    const std::vector<Fd> client = clients(listener.local_address(), 1);
    EXPECT_EQ(co_await error_of_accept(listener), 0);
  }());
}

// --- NET-07 -------------------------------------------------------------------------------------------------------------------

RULE(NET_07, told_and_tried_again) {
  Script script{sys::Op::accept4};
  IRuntime& rt = runtime();
  for (const int error : {EMFILE, ENFILE}) {
    rt.block_on([&]() -> Task<> {
      auto listener = TcpListener::bind(rt, SocketAddress::loopback(0));
      const int fd = listener.fd();
      const std::vector<Fd> client = clients(listener.local_address(), 1);
      wait_for(fd, POLLIN);
      script.clear_log();
      script.fail(sys::Op::accept4, fd, error, 1, 3);
      for (int i = 0; i < 3; ++i) EXPECT_EQ(co_await error_of_accept(listener), error);
      EXPECT_EQ(script.count(sys::Op::accept4, fd), 3u) << "one attempt per accept()";
      EXPECT_EQ(co_await error_of_accept(listener), 0);  // the same connection, with no other to announce it
    }());
  }
}

RULE(NET_07, its_edge_is_used_up) {
  Script script{sys::Op::accept4};
  SyncPoints points;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto listener = TcpListener::bind(rt, SocketAddress::loopback(0));
    const int fd = listener.fd();
    const auto accepts = [&]() -> Task<> { EXPECT_EQ(co_await error_of_accept(listener), EMFILE); };
    auto acceptor = co_await spawn_parked(rt, points, accepts());
    script.fail(sys::Op::accept4, fd, EMFILE);
    const std::vector<Fd> client = clients(listener.local_address(), 1);
    co_await acceptor;
    for (int turn = 0; turn < 3; ++turn) co_await events_dispatched(rt);
    EXPECT_EQ(script.count(sys::Op::accept4, fd), 2u) << "attempts while nobody asked for one";
    EXPECT_EQ(co_await error_of_accept(listener), 0);
  }());
}

}  // namespace reactorlab::conformance
