// URG: more completions than their queue has room for.

#include "harness/conformance/kit.hpp"
#include "harness/conformance/scale.hpp"
#include "harness/conformance/small_rings.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

constexpr RingSizes tiny{.submissions = 4, .completions = 8};

/// Runs on a thread that is about to wait, while nobody else does: whatever the code makes ready completes behind the reaper's
/// back. `bell` ends the wait that is under way. From a task.
template <class Code>
void before_the_next_reaping(SyncPoints& points, AsyncFd& bell, Code code) {
  points.at(SyncPoint::poll_before_block, std::move(code));
  add_one(bell.fd());
}

Task<IoResult> edge_of(AsyncFd& handle) { co_return co_await next_edge<Direction::read>(handle); }

Task<std::string> first_bytes(TcpStream& stream) {
  const Lease lease = co_await stream.read_lease();
  co_return text_of(lease.bytes());
}

}  // namespace

// --- URG-01 -------------------------------------------------------------------------------------------------------------------

RULE(URG_01, a_thousand_edges) {
  NEEDS_RING();
  const SmallRings small{tiny};
  SyncPoints points;
  const std::size_t sources = as_many_as_allowed(1'000, 1);
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    std::vector<AsyncFd> handles;
    for (std::size_t i = 0; i < sources; ++i) handles.push_back(AsyncFd::own(rt, event_fd().release()));
    std::vector<JoinHandle<IoResult>> waiting;
    for (AsyncFd& handle : handles) waiting.push_back(rt.spawn(edge_of(handle)));
    auto bell = AsyncFd::own(rt, event_fd().release());
    waiting.push_back(rt.spawn(edge_of(bell)));
    co_await waiters_are(rt, waiting.size());
    before_the_next_reaping(points, bell, [&handles] {
      for (AsyncFd& handle : handles) add_one(handle.fd());
    });
    for (auto& join : waiting) EXPECT_EQ(co_await join, IoResult{0});
    // Each is still watched: what overflowed has cost it its request, not its registration.
    waiting.clear();
    for (AsyncFd& handle : handles) waiting.push_back(rt.spawn(edge_of(handle)));
    for (AsyncFd& handle : handles) add_one(handle.fd());
    for (auto& join : waiting) EXPECT_EQ(co_await join, IoResult{0});
  }());
}

RULE(URG_01, hundreds_of_messages) {
  NEEDS_RING();
  const SmallRings small{tiny};
  SyncPoints points;
  const std::size_t connections = as_many_as_allowed(300, 2);
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    std::vector<TcpStream> streams;
    std::vector<Fd> peers;
    for (std::size_t i = 0; i < connections; ++i) {
      Pair pair = socket_pair();
      streams.push_back(stream_over(rt, std::move(pair.ours)));
      peers.push_back(std::move(pair.peer));
    }
    for (int round = 0; round < 2; ++round) {
      auto bell = AsyncFd::own(rt, event_fd().release());
      std::vector<JoinHandle<std::string>> reading;
      for (TcpStream& stream : streams) reading.push_back(rt.spawn(first_bytes(stream)));
      auto rings = rt.spawn(edge_of(bell));
      co_await waiters_are(rt, connections + 1);
      before_the_next_reaping(points, bell, [&peers] {
        for (std::size_t i = 0; i < peers.size(); ++i) put(peers[i].get(), std::to_string(i));
      });
      for (std::size_t i = 0; i < connections; ++i) EXPECT_EQ(co_await reading[i], std::to_string(i));
      (void)co_await rings;
    }
  }());
}

}  // namespace reactorlab::conformance
