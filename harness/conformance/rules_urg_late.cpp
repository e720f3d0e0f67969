// URG: a cancel, and what it was to cancel.

#include "harness/conformance/rings.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

sockaddr_in v4(const SocketAddress& address) {
  sockaddr_in v4;
  std::memcpy(&v4, address.data(), sizeof v4);
  return v4;
}

/// Until the listener is closed. How many connections there were; they are closed.
Task<unsigned> accepting(TcpListener& listener) {
  for (unsigned count = 0;; ++count) {
    const Outcome<TcpStream> accepted = co_await listener.accept();
    if (accepted) continue;
    EXPECT_EQ(accepted.error(), EBADF);
    co_return count;
  }
}

}  // namespace

// --- URG-05 -------------------------------------------------------------------------------------------------------------------

RULE(URG_05, connections_that_come_after_the_listener_was_closed) {
  NEEDS_COMPLETION();
  Script script;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto listener = TcpListener::bind(rt, SocketAddress::loopback(0));
    script.hold_back(RingRequest::accept);
    auto acceptor = rt.spawn(accepting(listener));
    co_await waiters_are(rt, 1);
    co_await events_dispatched(rt);
    std::vector<Fd> clients;
    while (clients.size() < 5) clients.push_back(connect_to(v4(listener.local_address())));
    co_await held_back(rt, script, RingRequest::accept);
    listener.close();
    EXPECT_EQ(co_await acceptor, 0u);
    script.release(RingRequest::accept);
    for (const Fd& client : clients) co_await seen_to_end(rt, client.get());
  }());
}

RULE(URG_05, connections_while_the_listener_is_closed) {
  NEEDS_COMPLETION();
  if (configuration().options.workers > 1) GTEST_SKIP() << "nobody may close a handle while a task on another thread attempts";
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    for (int round = 0; round < 30; ++round) {
      auto listener = TcpListener::bind(rt, SocketAddress::loopback(0));
      auto acceptor = rt.spawn(accepting(listener));
      co_await waiters_are(rt, 1);
      std::vector<Fd> clients;
      while (clients.size() < 4) {
        clients.push_back(connect_to(v4(listener.local_address())));
        if (round % 3 == 0) co_await events_dispatched(rt);
      }
      if (round % 2 == 0) co_await yield();
      listener.close();
      EXPECT_LE(co_await acceptor, clients.size());
      for (const Fd& client : clients) co_await seen_to_end(rt, client.get());
    }
  }());
}

RULE(URG_05, a_cancel_that_finds_nothing) {
  NEEDS_RING();
  std::atomic<unsigned> found_nothing{0};
  std::atomic<bool> ended{false};
  Script script;
  script.alter(
      RingRequest::cancel, [&](io_uring_cqe& completion) { found_nothing += completion.res == -ENOENT; }, 1, Script::forever);
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto former = AsyncFd::borrow(rt, fd);
    co_await events_dispatched(rt);
    const auto note_end = [&, source = script.token_of(fd)](io_uring_cqe& completion) {
      if (name_in(completion.user_data) == source && !(completion.flags & IORING_CQE_F_MORE)) ended = true;
    };
    script.alter(RingRequest::poll, note_end, 1, Script::forever);
    script.hold_back(RingRequest::poll, script.token_of(fd));
    put(pair.peer.get(), "x");
    co_await held_back(rt, script, RingRequest::poll);
    EXPECT_TRUE(end_request(script.epoll_of(fd), user_data(script.token_of(fd), RingRequest::poll)));
    while (!ended) co_await events_dispatched(rt);
    former.close();
    EXPECT_EQ(take(fd, 1), "x");
    auto again = AsyncFd::borrow(rt, fd);
    ParkedProbe<Direction::read, AsyncFd> probe{rt, again};
    co_await probe.parked();
    script.release(RingRequest::poll);
    for (int turn = 0; turn < 3; ++turn) co_await events_dispatched(rt);
    EXPECT_EQ(probe.polls(), 0u) << "woken by what was another's";
    put(pair.peer.get(), "y");
    co_await probe.polled();
    co_await probe.end();
  }());
  EXPECT_EQ(found_nothing, 1u) << "its result is one by itself";
}

}  // namespace reactorlab::conformance
