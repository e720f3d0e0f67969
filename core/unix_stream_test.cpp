#include "core/unix_stream.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "core/combinators.hpp"
#include "core/socket_test.hpp"
#include "core/time.hpp"

namespace reactorlab {
namespace {

using namespace std::chrono_literals;

class UnixStreamTest : public RuntimeTest {
 protected:
  std::pair<UnixStream, UnixStream> pair() { return UnixStream::pair(runtime()).take(); }
  TemporaryFolder folder_;
};
REACTORLAB_ON_EVERY_RUNTIME(UnixStreamTest);

bool exists(const UnixAddress& path) { return std::filesystem::exists(std::filesystem::symlink_status(path.name())); }

/// Bytes with a descriptor: what ends a read early.
void send_with_descriptor(int socket, std::string_view bytes) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &socket, sizeof socket);
  ASSERT_EQ(::sendmsg(socket, &message, MSG_NOSIGNAL), static_cast<long>(bytes.size()));
}

TEST_P(UnixStreamTest, EchoesOverPathsAndAbstractNames) {
  const std::string name = folder_.file("abstract");
  for (const UnixAddress& address : {folder_.address("socket"), UnixAddress::abstract(name), UnixAddress{}}) {
    run([&]() -> Task<> {
      UnixListener listener = UnixListener::bind(runtime(), address);
      const UnixAddress bound = listener.local_address();
      if (!address.is_unnamed()) {
        EXPECT_EQ(bound, address) << bound.to_string();
      }
      EXPECT_FALSE(bound.is_unnamed());
      const auto serve = [&]() -> Task<> {
        UnixStream server = (co_await listener.accept()).take();
        EXPECT_EQ(server.local_address(), bound);
        EXPECT_TRUE(server.peer_address().is_unnamed());
        co_await echo(server);
      };
      auto served = runtime().spawn(serve());
      co_await until_parked(runtime());
      UnixStream client = (co_await UnixStream::connect(runtime(), bound)).take();
      EXPECT_EQ(client.peer_address(), bound);
      const IoResult sent = co_await client.write_all(bytes_of("hello"));
      EXPECT_EQ(sent.value(), 5);
      std::string answer(5, ' ');
      const IoResult peeked = co_await client.peek(bytes_of(answer));
      EXPECT_EQ(peeked.value(), 5);
      const IoResult got = co_await client.read(bytes_of(answer));
      EXPECT_EQ(got.value(), 5);
      EXPECT_EQ(answer, "hello");
      EXPECT_TRUE(client.shutdown_write().ok());
      const std::string rest = co_await read_to_end(client);
      EXPECT_EQ(rest, "");
      co_await served;
    });
  }
  EXPECT_EQ(runtime().stats().registrations, 0u);
}

TEST_P(UnixStreamTest, APairCarriesPartsInOrderAndAHalfCloseLeavesTheOtherDirection) {
  run([&]() -> Task<> {
    auto [a, b] = pair();
    std::vector<std::string> words;
    for (int i = 0; i < 200; ++i) words.push_back(i % 5 == 0 ? "" : std::to_string(i) + ",");
    std::vector<iovec> parts;
    for (std::string& word : words) parts.push_back({word.data(), word.size()});
    const std::string whole = std::accumulate(words.begin(), words.end(), std::string{});
    const IoResult sent = co_await a.write_vector(parts);
    EXPECT_EQ(sent.value(), static_cast<long>(whole.size()));
    EXPECT_TRUE(a.shutdown_write().ok());
    EXPECT_TRUE(a.shutdown_write().ok());
    const std::string received = co_await read_to_end(b);
    EXPECT_EQ(received, whole);
    const std::string end = co_await read_to_end(b);
    EXPECT_EQ(end, "");
    const IoResult answered = co_await b.write_all(bytes_of("all the same"));
    EXPECT_EQ(answered.value(), 12);
    b.close();
    const std::string answer = co_await read_to_end(a);
    EXPECT_EQ(answer, "all the same");
    const IoResult refused = co_await a.write_all(bytes_of("x"));
    EXPECT_EQ(refused.error(), EPIPE);
  });
}

TEST_P(UnixStreamTest, AShortReadIsntTakenForTheEndOfWhatIsThere) {
  run([&]() -> Task<> {
    auto [a, b] = pair();
    const auto read = [&]() -> Task<std::string> {
      std::string all;
      while (all.size() < 9) {
        std::string buffer(16, ' ');
        // The limit only ends a test that fails: no second edge comes for what lies behind the descriptor.
        const IoResult n = co_await timeout(runtime(), 20s, b.read(bytes_of(buffer)));
        EXPECT_GT(n.value(), 0) << n.error_code().message() << " after " << all;
        if (n.value() <= 0) break;
        EXPECT_LE(n.value(), 6);
        all += buffer.substr(0, n.count());
      }
      co_return all;
    };
    auto reader = runtime().spawn(read());
    co_await until_parked(runtime());
    // All of it in one go, so that one edge stands for it (with two workers perhaps more).
    EXPECT_EQ(::send(a.fd(), "abc", 3, MSG_NOSIGNAL), 3);
    send_with_descriptor(a.fd(), "def");
    EXPECT_EQ(::send(a.fd(), "ghi", 3, MSG_NOSIGNAL), 3);
    const std::string all = co_await reader;
    EXPECT_EQ(all, "abcdefghi");
  });
}

TEST_P(UnixStreamTest, ABigWriteWaitsForItsReader) {
  std::string big(8 << 20, ' ');
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 31 >> 7);
  run([&]() -> Task<> {
    auto [a, b] = pair();
    const auto write = [&]() -> Task<> {
      const IoResult sent = co_await a.write_all(bytes_of(std::string_view{big}));
      EXPECT_EQ(sent.value(), static_cast<long>(big.size()));
      a.close();
    };
    auto writer = runtime().spawn(write());
    co_await until_parked(runtime());
    EXPECT_FALSE(writer.done());
    const std::string received = co_await read_to_end(b);
    EXPECT_TRUE(received == big);
    co_await writer;
  });
}

TEST_P(UnixStreamTest, AReadWithALimitGivesUpAndTheNextOneGetsTheData) {
  run([&]() -> Task<> {
    auto [a, b] = pair();
    std::string buffer(16, ' ');
    const IoResult late = co_await timeout(runtime(), 1ms, b.read(bytes_of(buffer)));
    EXPECT_EQ(late.error(), ETIME);
    const IoResult sent = co_await a.write_all(bytes_of("now"));
    EXPECT_TRUE(sent.ok());
    const IoResult in_time = co_await timeout(runtime(), 1h, b.read(bytes_of(buffer)));
    EXPECT_EQ(in_time.value(), 3);
    const IoResult nothing = co_await b.read({});
    EXPECT_EQ(nothing.value(), 0);
  });
}

TEST_P(UnixStreamTest, ClosingEndsWhatIsParked) {
  run([&]() -> Task<> {
    auto [a, b] = pair();
    UnixListener listener = UnixListener::bind(runtime(), folder_.address("socket"));
    const auto read = [&]() -> Task<IoResult> {
      const Lease lease = co_await b.read_lease();
      co_return lease.result();
    };
    const auto accept = [&]() -> Task<int> {
      const auto accepted = co_await listener.accept();
      co_return accepted.error();
    };
    auto reader = runtime().spawn(read());
    auto acceptor = runtime().spawn(accept());
    co_await until_parked(runtime(), 2);
    b.close();
    listener.close();
    const IoResult ended = co_await reader;
    EXPECT_EQ(ended.error(), EBADF);
    const int refused = co_await acceptor;
    EXPECT_EQ(refused, EBADF);
    const std::string end = co_await read_to_end(a);
    EXPECT_EQ(end, "");
  });
}

TEST_P(UnixStreamTest, APeerThatGoesWithUnreadDataResets) {
  run([&]() -> Task<> {
    auto [a, b] = pair();
    const IoResult sent = co_await a.write_all(bytes_of("unread"));
    EXPECT_TRUE(sent.ok());
    b.close();
    std::string buffer(16, ' ');
    const IoResult reset = co_await a.read(bytes_of(buffer));
    EXPECT_EQ(reset.error(), ECONNRESET);
    const IoResult end = co_await a.read(bytes_of(buffer));
    EXPECT_EQ(end.value(), 0);
  });
}

TEST_P(UnixStreamTest, ConnectingWhereNobodyIsSaysWhy) {
  run([&]() -> Task<> {
    const auto absent = co_await UnixStream::connect(runtime(), folder_.address("absent"));
    EXPECT_EQ(absent.error(), ENOENT);
    const auto unheard_of = co_await UnixStream::connect(runtime(), UnixAddress::abstract(folder_.file("absent")));
    EXPECT_EQ(unheard_of.error(), ECONNREFUSED);
  });
  EXPECT_EQ(runtime().stats().registrations, 0u);
}

TEST_P(UnixStreamTest, AFullQueueIsSaidAtOnceAndHasRoomAfterAnAccept) {
  run([&]() -> Task<> {
    UnixListener listener = UnixListener::bind(runtime(), folder_.address("socket"), {.backlog = 2});
    std::vector<UnixStream> clients;
    int error = 0;
    while (error == 0 && clients.size() < 16) {
      auto connected = co_await UnixStream::connect(runtime(), listener.local_address());
      error = connected.error();
      if (connected) clients.push_back(connected.take());
    }
    EXPECT_EQ(error, EAGAIN);
    EXPECT_EQ(clients.size(), 3u);  // the backlog and one more
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const auto accepted = co_await listener.accept();
      EXPECT_EQ(accepted.error(), 0);
    }
    const auto connected = co_await UnixStream::connect(runtime(), listener.local_address());
    EXPECT_EQ(connected.error(), 0);
  });
}

TEST_P(UnixStreamTest, AListenerOwnsItsFile) {
  const UnixAddress address = folder_.address("socket");
  {
    std::optional<UnixListener> listener = UnixListener::bind(runtime(), address);
    EXPECT_TRUE(exists(address));
    EXPECT_EQ(thrown_by([&] { return UnixListener::bind(runtime(), address); }), EADDRINUSE);
    EXPECT_TRUE(exists(address));  // not the loser's to remove
    UnixListener moved = std::move(*listener);
    listener.reset();
    EXPECT_TRUE(exists(address));
    moved.close();
    EXPECT_FALSE(exists(address));
    moved = UnixListener::bind(runtime(), address);
    EXPECT_TRUE(exists(address));
  }
  EXPECT_FALSE(exists(address));
  EXPECT_EQ(runtime().stats().registrations, 0u);
}

TEST_P(UnixStreamTest, AFileThatIsntOursIsLeftAlone) {
  const UnixAddress address = folder_.address("socket");
  std::optional<UnixListener> first = UnixListener::bind(runtime(), address);
  ASSERT_EQ(::unlink(address.name().data()), 0);
  const UnixListener successor = UnixListener::bind(runtime(), address);
  first.reset();
  EXPECT_TRUE(exists(address));

  // A file of another program, and no listener behind it.
  const UnixAddress stale = folder_.address("stale");
  const int fd = ::open(stale.name().data(), O_CREAT | O_CLOEXEC | O_WRONLY, 0600);
  ASSERT_GE(fd, 0);
  ::close(fd);
  EXPECT_EQ(thrown_by([&] { return UnixListener::bind(runtime(), stale); }), EADDRINUSE);
  EXPECT_TRUE(exists(stale));
}

TEST_P(UnixStreamTest, ABindErrorNamesCauseAndRemedy) {
  EXPECT_EQ(thrown_by([&] { return UnixListener::bind(runtime(), folder_.address("absent/socket")); }), ENOENT);
  const UnixAddress name = UnixAddress::abstract(folder_.file("name"));
  {
    const UnixListener first = UnixListener::bind(runtime(), name);
    EXPECT_EQ(thrown_by([&] { return UnixListener::bind(runtime(), name); }), EADDRINUSE);
  }
  EXPECT_EQ(thrown_by([&] { return UnixListener::bind(runtime(), name); }), 0);  // free at once
}

TEST_P(UnixStreamTest, HandlesOutliveTheRuntimeAndSaySo) {
  auto [a, b] = pair();
  UnixListener listener = UnixListener::bind(runtime(), folder_.address("socket"));
  end_runtime();
  const auto other = make_runtime("arc_mutex");
  std::string buffer(16, ' ');
  const auto read = [&]() -> Task<IoResult> {
    const IoResult n = co_await b.read(bytes_of(buffer));
    co_return n;
  };
  const auto accept = [&]() -> Task<int> {
    const auto accepted = co_await listener.accept();
    co_return accepted.error();
  };
  EXPECT_EQ(other->block_on(read()).error(), ESHUTDOWN);
  EXPECT_EQ(other->block_on(accept()), ESHUTDOWN);
}

}  // namespace
}  // namespace reactorlab
