// URG: what a completion says.

#include <algorithm>
#include <thread>

#include "harness/conformance/rings.hpp"
#include "harness/conformance/streams.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

/// A text of its own letters, so that it can be told from another one between whose parts its own are.
std::string letters(std::size_t size, char first) {
  std::string text = pattern(size);
  for (char& c : text) c = static_cast<char>(first + static_cast<unsigned char>(c) % 26);
  return text;
}
std::string lower_of(std::string text) {
  std::erase_if(text, [](char c) { return c < 'a'; });
  return text;
}
std::string upper_of(std::string text) {
  std::erase_if(text, [](char c) { return c > 'Z'; });
  return text;
}

Task<> writes(TcpStream& stream, std::string_view text, std::size_t piece) {
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    const std::string_view part = text.substr(0, piece);
    EXPECT_EQ(co_await stream.write_all(bytes_of(part)), IoResult{static_cast<long>(part.size())});
  }
}

}  // namespace

// --- URG-16 -------------------------------------------------------------------------------------------------------------------

RULE(URG_16, scripted) {
  NEEDS_COMPLETION();
  constexpr std::size_t most = 7;
  std::atomic<unsigned> sent_short{0};
  Script script;
  script.alter(
      RingRequest::send, [&](io_uring_cqe& completion) { sent_short += completion.res == long{most}; }, 1, Script::forever);
  IRuntime& rt = runtime();
  Pair pair = tcp_pair();
  script.limit(sys::Op::send, pair.ours.get(), most);
  const std::string lower = letters(500, 'a'), upper = letters(500, 'A');
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    co_await writes(stream, lower, lower.size());
    EXPECT_TRUE(take(pair.peer.get(), lower.size()) == lower);
    auto first = rt.spawn(writes(stream, lower, lower.size()));
    auto second = rt.spawn(writes(stream, upper, upper.size()));
    co_await first;
    co_await second;
    stream.close();
    const std::string got = take(pair.peer.get(), lower.size() + upper.size() + 1);
    EXPECT_TRUE(lower_of(got) == lower);
    EXPECT_TRUE(upper_of(got) == upper);
  }());
  EXPECT_GE(sent_short, lower.size() / most);
}

RULE(URG_16, ended_by_the_kernel) {
  NEEDS_COMPLETION();
  Script script;
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  const std::size_t filled = fill(fd);
  const std::string text = letters(500, 'a');
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    auto writer = co_await spawn_parked(rt, points, writes(stream, text, text.size()));
    for (int again = 0; again < 3; ++again) {
      while (end_requests_of(script.epoll_of(fd), fd) == 0) co_await events_dispatched(rt);  // the writer asks again
    }
    (void)take(pair.peer.get(), filled);
    co_await writer;
    stream.close();
    EXPECT_TRUE(take(pair.peer.get(), text.size() + 1) == text);
  }());
}

RULE(URG_16, several_writers_and_little_room) {
  NEEDS_COMPLETION();
  IRuntime& rt = runtime();
  Pair pair = tcp_pair();
  const int smallest = 1;
  checked(::setsockopt(pair.ours.get(), SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest), "setsockopt");
  const std::string lower = letters(200'000, 'a'), upper = letters(200'000, 'A');
  std::string got;
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    auto first = rt.spawn(writes(stream, lower, 900));
    auto second = rt.spawn(writes(stream, upper, 700));
    const std::jthread peer{[&] { got = take(pair.peer.get(), lower.size() + upper.size() + 1); }};
    co_await first;
    co_await second;
    stream.close();
  }());
  EXPECT_TRUE(lower_of(got) == lower);
  EXPECT_TRUE(upper_of(got) == upper);
}

// --- URG-17 -------------------------------------------------------------------------------------------------------------------

namespace {

/// What polls of one source have said.
class Reports {
 public:
  void watch(Script& script, int fd) {
    source_ = script.token_of(fd);
    const auto note = [this](io_uring_cqe& completion) {
      if (name_in(completion.user_data) != source_ || completion.res < 0) return;
      ++count_;
      last_ = static_cast<std::uint32_t>(completion.res);
    };
    script.alter(RingRequest::poll, note, 1, Script::forever);
  }
  std::uint32_t last() const noexcept { return last_; }
  unsigned count() const noexcept { return count_; }

 private:
  Token source_ = no_token;
  std::atomic<std::uint32_t> last_{0};
  std::atomic<unsigned> count_{0};
};

}  // namespace

RULE(URG_17, an_error_alone) {
  NEEDS_RING();
  Reports reports;
  Script script;
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = pipe_to_write();
  const int fd = pair.ours.get();
  const std::string block(4096, 'f');
  while (::write(fd, block.data(), block.size()) > 0) {
  }
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, fd, Interest::write);
    reports.watch(script, fd);
    const auto write_more = [&]() -> Task<> { EXPECT_EQ(co_await handle.write(bytes_of("x")), IoResult{-EPIPE}); };
    auto writer = co_await spawn_parked(rt, points, write_more());
    co_await events_dispatched(rt);
    pair.peer.close();
    co_await writer;
    EXPECT_EQ(reports.last() & (EPOLLIN | EPOLLOUT | EPOLLERR), std::uint32_t{EPOLLERR});
    co_await events_dispatched(rt);
    EXPECT_LE(reports.count(), 2u) << "a loop";
  }());
}

RULE(URG_17, a_hang_up_alone) {
  NEEDS_RING();
  Reports reports;
  Script script;
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = pipe_to_read();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, fd);
    reports.watch(script, fd);
    const auto reads = [&]() -> Task<> {
      std::byte byte;
      EXPECT_EQ(co_await handle.read({&byte, 1}), IoResult{0});
    };
    auto reader = co_await spawn_parked(rt, points, reads());
    co_await events_dispatched(rt);
    pair.peer.close();
    co_await reader;
    EXPECT_EQ(reports.last() & (EPOLLIN | EPOLLOUT | EPOLLHUP), std::uint32_t{EPOLLHUP});
    co_await events_dispatched(rt);
    EXPECT_LE(reports.count(), 2u) << "a loop";
  }());
}

RULE(URG_17, a_refused_connection) {
  NEEDS_RING();
  Script script;
  IRuntime& rt = runtime();
  Listening nobody = listening();
  nobody.fd.close();
  // The refusal is there before the first look; told to wait, it is found through what the poll says.
  script.answer(sys::Op::poll, Script::any_fd, 0);
  rt.block_on([&]() -> Task<> {
    auto stream = co_await TcpStream::connect(rt, SocketAddress::loopback(ntohs(nobody.address.sin_port)));
    EXPECT_EQ(stream.error(), ECONNREFUSED);
  }());
}

}  // namespace reactorlab::conformance
