// NET: writes that don't fit, and both directions at once.

#include <algorithm>
#include <thread>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/streams.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

constexpr std::size_t plenty = 1 << 20;

/// Two ends with little room between them.
Pair narrow_pair() {
  Pair pair = socket_pair();
  const int smallest = 1;
  for (const int fd : {pair.ours.get(), pair.peer.get()}) {
    checked(::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest), "setsockopt");
  }
  return pair;
}

/// The text in parts of different sizes, some of them empty.
std::vector<iovec> parts_of(std::string& text) {
  std::vector<iovec> parts;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = std::min(parts.size() % 5 == 0 ? 0 : parts.size() * 7, text.size() - at);
    parts.push_back({text.data() + at, size});
    at += size;
  }
  return parts;
}

/// Writes while nobody reads; then all of it is read. What came.
template <class Write>
std::string written_under_pressure(IRuntime& rt, SyncPoints& points, Pair pair, std::size_t size, Write write) {
  std::string got;
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    const auto writes = [&]() -> Task<> {
      EXPECT_EQ(co_await write(stream), IoResult{static_cast<long>(size)});
      stream.close();
    };
    auto writer = co_await spawn_parked(rt, points, writes());
    const std::jthread peer{[&] { got = take(pair.peer.get(), size + 1); }};
    co_await writer;
  }());
  return got;
}

}  // namespace

// --- NET-12 -------------------------------------------------------------------------------------------------------------------

RULE(NET_12, one_buffer) {
  SyncPoints points;
  IRuntime& rt = runtime();
  const auto write_it = [](const std::string& text) { return [&](TcpStream& stream) { return stream.write_all(bytes_of(text)); }; };
  const std::string text = pattern(plenty), more = pattern(more_than_any_buffer);
  EXPECT_TRUE(written_under_pressure(rt, points, narrow_pair(), text.size(), write_it(text)) == text);
  EXPECT_TRUE(written_under_pressure(rt, points, tcp_pair(), more.size(), write_it(more)) == more);
}

RULE(NET_12, many_parts) {
  SyncPoints points;
  IRuntime& rt = runtime();
  std::string text = pattern(plenty);
  std::vector<iovec> parts = parts_of(text);
  const auto write_it = [&](TcpStream& stream) { return stream.write_vector(parts); };
  EXPECT_TRUE(written_under_pressure(rt, points, narrow_pair(), text.size(), write_it) == text);
}

RULE(NET_12, scripted) {
  Script script;
  IRuntime& rt = runtime();
  const std::string text = pattern(10'000);
  Pair pair = tcp_pair();
  const int fd = pair.ours.get();
  script.limit(sys::Op::send, fd, 7);
  script.fail(sys::Op::send, fd, EINTR, 5);
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    EXPECT_EQ(co_await stream.write_all(bytes_of(text)), IoResult{static_cast<long>(text.size())});
  }());
  EXPECT_TRUE(take(pair.peer.get(), text.size() + 1) == text);
}

// --- NET-15 -------------------------------------------------------------------------------------------------------------------

RULE(NET_15, full_duplex) {
  const std::string sent = pattern(plenty);
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = narrow_pair();
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    const auto writes = [&]() -> Task<> {
      EXPECT_EQ(co_await stream.write_all(bytes_of(sent)), IoResult{static_cast<long>(sent.size())});
      EXPECT_EQ(stream.shutdown_write(), IoResult{0});
    };
    const auto reads = [&]() -> Task<> { EXPECT_TRUE(co_await read_to_end(stream, 10'000) == sent); };
    auto writer = co_await spawn_parked(rt, points, writes());
    auto reader = co_await spawn_parked(rt, points, reads());
    std::string got;
    {
      const std::jthread from_us{[&] { got = take(pair.peer.get(), sent.size() + 1); }};
      const std::jthread to_us{[&] {
        put(pair.peer.get(), sent);
        checked(::shutdown(pair.peer.get(), SHUT_WR), "shutdown");
      }};
      co_await writer;
      co_await reader;
    }
    EXPECT_TRUE(got == sent);
  }());
}

}  // namespace reactorlab::conformance
