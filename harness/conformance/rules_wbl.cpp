// WBL: would-block after a wake.

#include <algorithm>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/passage.hpp"
#include "harness/conformance/thief.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

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

// --- WBL-05 -------------------------------------------------------------------------------------------------------------------

namespace {

/// Shows the limit of the wait that a runtime enters when it has nothing left to do, and ends that wait.
class IdleWait {
 public:
  explicit IdleWait(Script& script) {
    script.on(sys::Op::epoll_wait, Script::any_fd, [this](sys::Call& call) -> std::optional<long> {
      if (!watching_ || (call.extra == 0 && ++polls_ < polls_of_a_busy_loop)) return std::nullopt;
      watching_ = false;
      limit_ = call.extra;
      begun_.set();
      return 0;
    });
  }

  /// co_await: the limit in ms, -1 for none; 0 if the runtime asks again and again without waiting.
  Task<long> limit() {
    polls_ = 0;
    watching_ = true;
    co_await begun_.wait();
    co_return limit_;
  }

 private:
  static constexpr int polls_of_a_busy_loop = 100;
  std::atomic<bool> watching_{false};
  std::atomic<int> polls_{0};
  std::atomic<long> limit_{0};
  AutoResetEvent begun_;
};

}  // namespace

BOTH_FORMS_RULE(WBL_05, scripted) {
  Script script{sys::Op::recv};
  IdleWait idle{script};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    auto reading = [&]() -> Task<IoResult> {
      std::byte buffer[64];
      IoResult result;
      do result = co_await stream.read(buffer);
      while (result.value() > 0);
      co_return result;
    };
    Passage parked{points, SyncPoint::io_parked};
    parked.watch();
    auto reader = rt.spawn(reading());
    co_await parked.seen();
    script.clear_log();
    parked.watch();
    put(pair.peer.get(), "one event");
    co_await parked.seen();
    EXPECT_EQ(co_await idle.limit(), -1);
    EXPECT_LE(script.count(sys::Op::recv, fd), 2u);
    pair.peer.close();
    EXPECT_EQ(co_await reader, IoResult{0});
  }());
}

BOTH_FORMS_RULE(WBL_05, waits_for_the_next_timer) {
  VirtualClock& time = use_virtual_time();
  Script script;
  IdleWait idle{script};
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    auto sleeping = [&]() -> Task<> { co_await sleep(rt, 200ms); };
    auto sleeper = rt.spawn(sleeping());
    while (rt.stats().pending_timers == 0) co_await yield();
    const long limit = co_await idle.limit();
    EXPECT_GE(limit, 200);
    EXPECT_LE(limit, 202);  // rounded up to a tick and to milliseconds
    time.advance(202ms);
    co_await sleeper;
  }());
}

/// Time moves only while nothing is ready: a runtime that turns for the byte would never get to the end of the sleep.
BOTH_FORMS_RULE(WBL_05, real) {
  VirtualClock& time = use_virtual_time(VirtualClock::Mode::automatic);
  Script script{sys::Op::epoll_wait};
  int waits = 0;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call&) -> std::optional<long> {
    if (++waits == 1'000) time.advance(std::chrono::hours{1});  // enough of it; the counts below tell
    return std::nullopt;
  });
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    const Token token = script.token_of(pair.ours.get());
    const RuntimeStats before = rt.stats();
    put(pair.peer.get(), "nobody reads it");
    co_await sleep(rt, 10s);
    const RuntimeStats after = rt.stats();
    EXPECT_LE(after.turns - before.turns, 2 + after.kicks - before.kicks);
    std::size_t reports = 0;
    for (const LoggedCall& wait : script.log_of(sys::Op::epoll_wait)) {
      reports += static_cast<std::size_t>(std::ranges::count_if(wait.events, [&](const Event& event) { return event.token == token; }));
    }
    EXPECT_LE(reports, 1u);
  }());
}

}  // namespace reactorlab::conformance
