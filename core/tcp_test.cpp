#include "core/tcp.hpp"

#include <numeric>
#include <string>
#include <vector>

#include "core/combinators.hpp"
#include "core/socket_test.hpp"
#include "core/time.hpp"

namespace reactorlab {
namespace {

using namespace std::chrono_literals;
using TcpTest = RuntimeTest;
REACTORLAB_ON_EVERY_RUNTIME(TcpTest);

/// Two ends of one connection over loopback.
struct Pair {
  TcpStream client, server;
};
Task<Pair> connected(IRuntime& runtime) {
  auto listener = TcpListener::bind(runtime, SocketAddress::loopback(0));
  const auto accept = [&]() -> Task<TcpStream> {
    auto accepted = co_await listener.accept();
    co_return accepted.take();
  };
  auto both = co_await when_all(TcpStream::connect(runtime, listener.local_address()), accept());
  co_return Pair{std::get<0>(both).take(), std::move(std::get<1>(both))};
}

TEST_P(TcpTest, EchoesAndClosesInBothDirections) {
  run([&]() -> Task<> {
    Pair pair = co_await connected(runtime());
    auto server = runtime().spawn(echo(pair.server));
    std::string answer(5, ' ');
    for (int i = 0; i < 200; ++i) {
      const IoResult sent = co_await pair.client.write_all(bytes_of("hello"));
      EXPECT_EQ(sent.value(), 5);
      for (std::size_t got = 0; got < answer.size();) {
        const IoResult n = co_await pair.client.read(bytes_of(answer).subspan(got));
        if (n.value() <= 0) break;
        got += n.count();
      }
      EXPECT_EQ(answer, "hello");
    }
    EXPECT_TRUE(pair.client.shutdown_write().ok());
    const std::string rest = co_await read_to_end(pair.client);
    EXPECT_EQ(rest, "");
    co_await server;
  });
  EXPECT_EQ(runtime().stats().registrations, 0u);
}

TEST_P(TcpTest, AfterAHalfCloseTheOtherDirectionGoesOn) {
  run([&]() -> Task<> {
    Pair pair = co_await connected(runtime());
    EXPECT_TRUE(pair.client.shutdown_write().ok());
    const std::string asked = co_await read_to_end(pair.server);
    EXPECT_EQ(asked, "");
    const IoResult sent = co_await pair.server.write_all(bytes_of("an answer all the same"));
    EXPECT_TRUE(sent.ok());
    pair.server.close();
    const std::string answer = co_await read_to_end(pair.client);
    EXPECT_EQ(answer, "an answer all the same");
    const IoResult refused = co_await pair.client.write_all(bytes_of("x"));
    EXPECT_EQ(refused.error(), EPIPE);
  });
}

TEST_P(TcpTest, TheEndComesAfterTheDataAndStays) {
  run([&]() -> Task<> {
    Pair pair = co_await connected(runtime());
    const IoResult sent = co_await pair.client.write_all(bytes_of("last words"));
    EXPECT_TRUE(sent.ok());
    pair.client.close();
    std::string buffer(64, ' ');
    const IoResult peeked = co_await pair.server.peek(bytes_of(buffer));
    EXPECT_EQ(peeked.value(), 10);
    const IoResult read = co_await pair.server.read(bytes_of(buffer));
    EXPECT_EQ(read.value(), 10);
    EXPECT_EQ(buffer.substr(0, 10), "last words");
    for (int i = 0; i < 3; ++i) {
      const IoResult end = co_await pair.server.read(bytes_of(buffer));
      EXPECT_EQ(end.value(), 0);
    }
  });
}

TEST_P(TcpTest, WritesPartsInOrderSkippingEmptyOnes) {
  run([&]() -> Task<> {
    Pair pair = co_await connected(runtime());
    std::vector<std::string> words;
    for (int i = 0; i < 200; ++i) words.push_back(i % 5 == 0 ? "" : std::to_string(i) + ",");  // more than go in one call
    std::vector<iovec> parts;
    for (std::string& word : words) parts.push_back({word.data(), word.size()});
    const std::string whole = std::accumulate(words.begin(), words.end(), std::string{});
    const IoResult sent = co_await pair.client.write_vector(parts);
    EXPECT_EQ(sent.value(), static_cast<long>(whole.size()));
    const IoResult nothing = co_await pair.client.write_vector({});
    EXPECT_EQ(nothing.value(), 0);
    pair.client.close();
    const std::string received = co_await read_to_end(pair.server);
    EXPECT_EQ(received, whole);
  });
}

TEST_P(TcpTest, AWriteTakesWhatThereIsRoomForAndWaitsIfThereIsNone) {
  const std::string big(8 << 20, 'w');
  std::atomic<std::size_t> written{0};
  run([&]() -> Task<> {
    Pair pair = co_await connected(runtime());
    const IoResult nothing = co_await pair.client.write({});
    EXPECT_EQ(nothing, IoResult{0});
    const auto write_piecemeal = [&]() -> Task<> {
      while (written < big.size()) {
        const IoResult n = co_await pair.client.write(bytes_of(big).subspan(written));
        EXPECT_GT(n.value(), 0);
        if (!n) break;
        written += n.count();
      }
      pair.client.close();
    };
    auto writer = runtime().spawn(write_piecemeal());
    while (runtime().stats().waiters == 0) co_await yield();
    EXPECT_GT(written, 0u) << "what there was room for";
    EXPECT_LT(written, big.size()) << "and nobody has read";
    const std::string received = co_await read_to_end(pair.server);
    EXPECT_TRUE(received == big);
    co_await writer;
    const IoResult closed = co_await pair.client.write(bytes_of(big));
    EXPECT_EQ(closed, IoResult{-EBADF});
  });
}

TEST_P(TcpTest, ABigWriteWaitsForItsReader) {
  std::string big(8 << 20, ' ');
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 31 >> 7);
  bool written_before_anybody_read = true;
  run([&]() -> Task<> {
    Pair pair = co_await connected(runtime());
    const auto write = [&]() -> Task<> {
      const IoResult sent = co_await pair.client.write_all(bytes_of(big));
      EXPECT_EQ(sent.value(), static_cast<long>(big.size()));
      pair.client.close();
    };
    auto writer = runtime().spawn(write());
    for (int i = 0; i < 20; ++i) co_await yield();
    written_before_anybody_read = writer.done();
    const std::string received = co_await read_to_end(pair.server);
    EXPECT_TRUE(received == big);
    co_await writer;
  });
  EXPECT_FALSE(written_before_anybody_read);
}

TEST_P(TcpTest, AReadWithALimitGivesUpAndTheNextOneGetsTheData) {
  run([&]() -> Task<> {
    Pair pair = co_await connected(runtime());
    std::string buffer(16, ' ');
    const IoResult late = co_await timeout(runtime(), 1ms, pair.server.read(bytes_of(buffer)));
    EXPECT_EQ(late.error(), ETIME);
    const IoResult sent = co_await pair.client.write_all(bytes_of("now"));
    EXPECT_TRUE(sent.ok());
    const IoResult in_time = co_await timeout(runtime(), 1h, pair.server.read(bytes_of(buffer)));
    EXPECT_EQ(in_time.value(), 3);
    EXPECT_EQ(buffer.substr(0, 3), "now");
  });
  EXPECT_EQ(runtime().stats().pending_timers, 0u);
}

TEST_P(TcpTest, ClosingEndsWhatIsParked) {
  run([&]() -> Task<> {
    Pair pair = co_await connected(runtime());
    std::atomic<bool> started{false};
    const auto read = [&]() -> Task<IoResult> {
      std::string buffer(16, ' ');
      started = true;
      const IoResult n = co_await pair.server.read(bytes_of(buffer));
      co_return n;
    };
    auto reader = runtime().spawn(read());
    co_await until([&] { return started.load(); });
    // Its handle may be closed on another thread only once it has parked.
    co_await until([&] { return runtime().stats().waiters != 0; });
    pair.server.close();
    const IoResult ended = co_await reader;
    EXPECT_EQ(ended.error(), EBADF);
  });
}

TEST_P(TcpTest, ConnectingWhereNobodyListensIsRefused) {
  run([&]() -> Task<> {
    auto listener = TcpListener::bind(runtime(), SocketAddress::loopback(0));
    const SocketAddress address = listener.local_address();
    listener.close();
    const auto refused = co_await TcpStream::connect(runtime(), address);
    EXPECT_FALSE(static_cast<bool>(refused));
    EXPECT_EQ(refused.error(), ECONNREFUSED);
  });
  EXPECT_EQ(runtime().stats().registrations, 0u);
}

TEST_P(TcpTest, APortInUseIsAnErrorThatNamesIt) {
  auto first = TcpListener::bind(runtime(), SocketAddress::loopback(0));
  try {
    (void)TcpListener::bind(runtime(), first.local_address());
    ADD_FAILURE() << "bound twice";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EADDRINUSE);
    EXPECT_NE(std::string{error.what()}.find(std::to_string(first.local_address().port())), std::string::npos);
  }
  EXPECT_EQ(runtime().stats().registrations, 1u);
}

TEST_P(TcpTest, HandlesOutliveTheRuntimeAndSaySo) {
  Pair pair = run([&] { return connected(runtime()); });
  end_runtime();
  const auto other = make_runtime("arc_mutex");
  std::string buffer(16, ' ');
  const auto read = [&]() -> Task<IoResult> {
    const IoResult n = co_await pair.server.read(bytes_of(buffer));
    co_return n;
  };
  EXPECT_EQ(other->block_on(read()).error(), ESHUTDOWN);
}

}  // namespace
}  // namespace reactorlab
