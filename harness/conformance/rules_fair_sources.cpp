// FAIR: many sources, and sources that never stop.

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "harness/conformance/fairness.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/streams.hpp"
#include "harness/conformance/tasks.hpp"

namespace reactorlab::conformance {

// --- FAIR-07 ------------------------------------------------------------------------------------------------------------------

namespace {

/// Sources that are always ready: whoever serves one makes it ready again. Each has a task of its own.
class AlwaysReady {
 public:
  /// `turns`: how many there have been. Over as soon as one source has been served that often, or (`all`) each has.
  AlwaysReady(IRuntime& rt, std::size_t count, const std::atomic<std::uint64_t>& turns, unsigned often, bool all)
      : turns_{turns}, often_{often}, left_{all ? count : 1}, last_turns_(count, turns.load()) {
    handles_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) handles_.push_back(AsyncFd::own(rt, event_fd(1).release()));
    for (std::size_t i = 0; i < count; ++i) tasks_.push_back(rt.spawn(serve(i)));
  }

  auto over() noexcept { return over_.wait(); }
  /// The most turns that a source was ready without being served; where one thread does all.
  std::uint64_t longest_wait() const {
    const auto last = std::ranges::min_element(last_turns_);
    return std::max(longest_.load(), turns_.load() - *last);
  }
  Task<> ended() {
    for (auto& task : tasks_) task.cancel();
    for (auto& task : tasks_) (void)co_await ended_cancelled(task);
  }

 private:
  Task<> serve(std::size_t i) {
    for (unsigned served = 1;; ++served) {
      EXPECT_EQ(co_await next_edge<Direction::read>(handles_[i]), IoResult{0});
      const std::uint64_t now = turns_.load();
      longest_ = std::max(longest_.load(), now - std::exchange(last_turns_[i], now));
      add_one(handles_[i].fd());
      if (served == often_ && left_.fetch_sub(1) == 1) over_.set();
    }
  }

  const std::atomic<std::uint64_t>& turns_;
  const unsigned often_;
  std::atomic<std::size_t> left_;
  std::atomic<std::uint64_t> longest_{0};
  std::vector<std::uint64_t> last_turns_;  // each its task's
  AutoResetEvent over_;
  std::vector<AsyncFd> handles_;
  std::vector<JoinHandle<void>> tasks_;
};

}  // namespace

RULE(FAIR_07, more_sources_than_a_turn_takes) {
  constexpr std::size_t sources = 2 * Poller::batch + Poller::batch / 2;
  // A confined runtime polls what an edge woke before its next turn; elsewhere one turn may come while the task is in the queue.
  const std::uint64_t turns_for_all = confined() ? 3 : 4;
  const bool counted = one_thread_does_all();
  std::atomic<std::uint64_t> turns{0};
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call&) -> std::optional<long> {
    turns.fetch_add(1);
    return std::nullopt;
  });
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    AlwaysReady ready{rt, sources, turns, 20, !counted};
    co_await ready.over();
    if (counted) {
      EXPECT_LE(ready.longest_wait(), turns_for_all);
    }
    co_await ready.ended();
  }());
}

// --- FAIR-08 ------------------------------------------------------------------------------------------------------------------

/// Each accept finds a connection, for ever.
RULE(FAIR_08, endless_accepting_beside_connections) {
  Script script;
  IRuntime& rt = runtime();
  auto listener = TcpListener::bind(rt, SocketAddress::loopback(0));
  script.on(sys::Op::accept4, listener.fd(), [](sys::Call&) { return std::optional<long>{event_fd().release()}; });
  beside_slow_clients(rt, one_thread_does_all(), 5, 2, [&] { return listener.accept(); });
}

namespace {

/// A thread that connects and hangs up as fast as it can, until the listener has gone.
class ConnectingThread {
 public:
  explicit ConnectingThread(const UnixAddress& address)
      : thread_{[address] {
          for (;;) {
            const Fd fd{checked(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
            if (::connect(fd.get(), address.data(), address.size()) != 0) return;
          }
        }} {}
  ConnectingThread(const ConnectingThread&) = delete;
  ~ConnectingThread() { thread_.join(); }

 private:
  std::thread thread_;
};

}  // namespace

RULE(FAIR_08, real_storm_beside_connections) {
  constexpr unsigned connections = 5, round_trips = 20;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    std::vector<TcpStream> servers, clients;
    std::vector<JoinHandle<void>> serving;
    servers.reserve(connections);
    for (unsigned i = 0; i < connections; ++i) {
      Pair pair = tcp_pair();
      set_nonblocking(pair.peer.get(), true);
      servers.push_back(stream_over(rt, std::move(pair.ours)));
      clients.push_back(stream_over(rt, std::move(pair.peer)));
      serving.push_back(rt.spawn(echo(servers.back())));
    }
    auto listener = UnixListener::bind(rt, UnixAddress{});
    const ConnectingThread storm{listener.local_address()};
    std::atomic<bool> over{false};
    auto accepting = rt.spawn([](UnixListener& from, std::atomic<bool>& enough) -> Task<> {
      while (!enough.load() && co_await from.accept()) {
      }
    }(listener, over));
    std::array<std::byte, 1> byte{};
    for (unsigned trip = 0; trip < round_trips; ++trip) {
      for (TcpStream& client : clients) EXPECT_TRUE(co_await client.write_all(byte));
      for (TcpStream& client : clients) EXPECT_EQ(co_await client.read(byte), IoResult{1});
    }
    over.store(true);
    co_await accepting;
    listener.close();
    clients.clear();
    for (auto& join : serving) co_await join;
  }());
}

}  // namespace reactorlab::conformance
