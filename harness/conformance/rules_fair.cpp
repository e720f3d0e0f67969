// FAIR: nobody starves. Bounds are numbers of polls and operations, counted where one thread does everything; with more workers the
// machine's own scheduler decides how much the others do meanwhile, and the rule is that the slow one is served at all.

#include <limits>

#include "harness/conformance/fairness.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/streams.hpp"

namespace reactorlab::conformance {
namespace {

/// Tasks that are always ready, counting their polls, until stopped. Where polls are bounded they give up by themselves far beyond
/// the bound, so that a runtime that starves the rest fails instead of spinning.
class Spinners {
 public:
  Spinners(IRuntime& rt, unsigned count, std::uint64_t most) : most_{most} {
    for (unsigned i = 0; i < count; ++i) joins_.push_back(rt.spawn(spin()));
  }
  Task<> stopped() {
    stop_.store(true);
    for (auto& join : joins_) co_await join;
  }
  std::uint64_t polls() const noexcept { return polls_.load(); }

 private:
  Task<> spin() {
    while (!stop_.load() && polls_.fetch_add(1) < most_) co_await yield();
  }

  const std::uint64_t most_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> polls_{0};
  std::vector<JoinHandle<void>> joins_;
};

constexpr std::uint64_t unbounded = std::numeric_limits<std::uint64_t>::max();

}  // namespace

// --- FAIR-01 ------------------------------------------------------------------------------------------------------------------

RULE(FAIR_01, connections_beside_ready_tasks) {
  constexpr unsigned spinning = 16, round_trips = 100;
  const bool counted = one_thread_does_all();
  IRuntime& rt = runtime();
  Pair pair = tcp_pair();
  set_nonblocking(pair.peer.get(), true);
  rt.block_on([&]() -> Task<> {
    TcpStream server = stream_over(rt, std::move(pair.ours));
    TcpStream client = stream_over(rt, std::move(pair.peer));
    auto serving = rt.spawn(echo(server));
    Spinners spinners{rt, spinning, counted ? 100 * round_trips * polls_per_edge : unbounded};
    std::array<std::byte, 1> byte{};
    for (unsigned trip = 0; trip < round_trips; ++trip) {
      const std::uint64_t before = spinners.polls();
      EXPECT_TRUE(co_await client.write_all(byte));
      EXPECT_EQ(co_await client.read(byte), IoResult{1});
      // Two edges: the server's and the client's.
      if (counted) {
        EXPECT_LE(spinners.polls() - before, 2 * polls_per_edge) << "round trip " << trip;
      }
    }
    co_await spinners.stopped();
    client.close();
    co_await serving;
  }());
}

RULE(FAIR_01, timers_beside_ready_tasks) {
  using namespace std::chrono_literals;
  VirtualClock& time = use_virtual_time();
  const bool counted = one_thread_does_all();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    Spinners spinners{rt, 16, counted ? 10'000 * polls_per_edge : unbounded};
    for (int round = 0; round < 20; ++round) {
      std::atomic<std::uint64_t> due{0};
      // Spawned behind the sleeper's first poll, so it moves time when the timer is set.
      auto advance = rt.spawn([](VirtualClock& clock, Spinners& others, std::atomic<std::uint64_t>& at) -> Task<> {
        for (int i = 0; i < 4; ++i) co_await yield();
        at.store(others.polls());
        clock.advance(1s);
      }(time, spinners, due));
      EXPECT_EQ(co_await sleep(rt, 500ms), IoResult{0});
      const std::uint64_t now = spinners.polls();
      co_await advance;
      if (counted) {
        EXPECT_LE(now - due.load(), polls_per_edge) << "round " << round;
      }
    }
    co_await spinners.stopped();
  }());
}

// --- FAIR-03 ------------------------------------------------------------------------------------------------------------------

namespace {

/// The most operations of a fast task between two polls of one that is always ready.
template <class Operate>
void beside_a_ready_task(IRuntime& rt, Operate&& operate) {
  std::atomic<std::uint64_t> operations{0};
  std::atomic<bool> stop{false};
  std::uint64_t longest = 0;
  rt.block_on([&]() -> Task<> {
    auto watching = rt.spawn([](auto& count, auto& over, std::uint64_t& most) -> Task<> {
      std::uint64_t seen = count.load();
      while (!over.load()) {
        co_await yield();
        const std::uint64_t now = count.load();
        most = std::max(most, now - std::exchange(seen, now));
      }
    }(operations, stop, longest));
    for (unsigned i = 0; i < 100 * leaf_budget; ++i) {
      EXPECT_TRUE(co_await operate());
      operations.fetch_add(1);
    }
    stop.store(true);
    co_await watching;
  }());
  EXPECT_LE(longest, std::uint64_t{leaf_budget});
}

/// Never runs dry, and writing nothing to it never fills it.
struct Endless {
  explicit Endless(IRuntime& rt)
      : handle{AsyncFd::own(rt, ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE), Interest::both)} {
    const std::uint64_t plenty = std::uint64_t{1} << 62;
    checked(::write(handle.fd(), &plenty, sizeof plenty), "write");
  }
  auto take() { return handle.read(std::as_writable_bytes(std::span{&word, 1})); }
  auto give() { return handle.write(std::as_bytes(std::span{&zero, 1})); }
  AsyncFd handle;
  std::uint64_t word = 0;
  const std::uint64_t zero = 0;
};

}  // namespace

RULE(FAIR_03, endless_reading_beside_a_slow_client) {
  Endless source{runtime()};
  beside_slow_clients(runtime(), one_thread_does_all(), 1, 5, [&] { return source.take(); });
}

RULE(FAIR_03, endless_writing_beside_a_slow_client) {
  Endless sink{runtime()};
  beside_slow_clients(runtime(), one_thread_does_all(), 1, 5, [&] { return sink.give(); });
}

RULE(FAIR_03, endless_stream_beside_a_slow_client) {
  Script script;
  Pair fast = tcp_pair();
  const int fd = fast.ours.get();
  script.answer(sys::Op::recv, fd, 1, 1, Script::forever);
  TcpStream stream = stream_over(runtime(), std::move(fast.ours));
  std::array<std::byte, 1> byte;
  beside_slow_clients(runtime(), one_thread_does_all(), 1, 5, [&] { return stream.read(byte); });
}

RULE(FAIR_03, endless_reading_beside_a_ready_task) {
  if (workers() > 1) return;
  Endless source{runtime()};
  beside_a_ready_task(runtime(), [&] { return source.take(); });
}

RULE(FAIR_03, endless_writing_beside_a_ready_task) {
  if (workers() > 1) return;
  Endless sink{runtime()};
  beside_a_ready_task(runtime(), [&] { return sink.give(); });
}

}  // namespace reactorlab::conformance
