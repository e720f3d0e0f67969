#include "core/unix_datagram.hpp"

#include <string>
#include <utility>
#include <vector>

#include "core/combinators.hpp"
#include "core/socket_test.hpp"
#include "core/time.hpp"

namespace reactorlab {
namespace {

using namespace std::chrono_literals;

class UnixDatagramTest : public RuntimeTest {
 protected:
  UnixDatagram bound(const std::string& name) { return UnixDatagram::bind(runtime(), folder_.address(name)); }
  /// Sends until the peer's queue is full. -> how many it took
  Task<int> fill(UnixDatagram& socket, UnixAddress peer) {
    for (int sent = 0;; ++sent) {
      const IoResult n = co_await socket.send_to(bytes_of("filler"), peer);
      if (n.ok() && sent < 100'000) continue;
      EXPECT_EQ(n.error(), EAGAIN);
      co_return sent;
    }
  }
  TemporaryFolder folder_;
};
REACTORLAB_ON_EVERY_RUNTIME(UnixDatagramTest);

TEST_P(UnixDatagramTest, DatagramsArriveAndNameTheirSender) {
  run([&]() -> Task<> {
    UnixDatagram receiver = bound("receiver"), named = bound("named"), nameless = UnixDatagram::unbound(runtime());
    UnixDatagram abstract = UnixDatagram::bind(runtime(), UnixAddress::abstract(folder_.file("abstract")));
    std::string buffer(64, ' ');
    for (UnixDatagram* const sender : {&named, &nameless, &abstract}) {
      for (const char* const text : {"text", ""}) {
        const std::string_view bytes{text};
        const IoResult sent = co_await sender->send_to(bytes_of(bytes), receiver.local_address());
        EXPECT_EQ(sent.value(), static_cast<long>(bytes.size()));
        const auto received = co_await receiver.recv_from(bytes_of(buffer));
        EXPECT_EQ(received.result.value(), static_cast<long>(bytes.size()));
        EXPECT_EQ(buffer.substr(0, received.size), bytes);
        EXPECT_EQ(received.from, sender->local_address()) << received.from.to_string();
      }
    }
    EXPECT_TRUE(nameless.local_address().is_unnamed());
  });
  EXPECT_EQ(runtime().stats().registrations, 0u);
}

TEST_P(UnixDatagramTest, WhatDoesntFitIsReportedAndLost) {
  run([&]() -> Task<> {
    auto [a, b] = UnixDatagram::pair(runtime()).take();
    for (const char* const text : {"0123456789", "abcd"}) {
      const IoResult sent = co_await a.send(bytes_of(std::string_view{text}));
      EXPECT_TRUE(sent.ok());
    }
    std::string buffer(4, ' ');
    const Received cut = co_await b.recv(bytes_of(buffer));
    EXPECT_EQ(cut.result.value(), 4);
    EXPECT_EQ(cut.size, 10u);
    EXPECT_TRUE(cut.truncated());
    EXPECT_EQ(buffer, "0123");
    const Received whole = co_await b.recv(bytes_of(buffer));
    EXPECT_EQ(whole.size, 4u);
    EXPECT_FALSE(whole.truncated());
    EXPECT_EQ(buffer, "abcd");
  });
}

TEST_P(UnixDatagramTest, ConnectedSendersWaitForAFullQueueAndLoseNothing) {
  constexpr int senders = 3, each = 100;
  run([&]() -> Task<> {
    UnixDatagram receiver = bound("receiver");
    const auto send = [&](int number) -> Task<> {
      UnixDatagram socket = UnixDatagram::unbound(runtime());
      EXPECT_TRUE(socket.connect(receiver.local_address()).ok());
      EXPECT_EQ(socket.peer_address(), receiver.local_address());
      for (int i = 0; i < each; ++i) {
        const std::string text = std::to_string(number) + ":" + std::to_string(i);
        const IoResult sent = co_await socket.send(bytes_of(std::string_view{text}));
        EXPECT_EQ(sent.value(), static_cast<long>(text.size()));
      }
    };
    std::vector<JoinHandle<void>> sending;
    for (int i = 0; i < senders; ++i) sending.push_back(runtime().spawn(send(i)));
    co_await until_parked(runtime(), senders);
    int next[senders] = {};
    std::string buffer(16, ' ');
    for (int i = 0; i < senders * each; ++i) {
      const Received received = co_await receiver.recv(bytes_of(buffer));
      const std::size_t colon = buffer.find(':');
      const int sender = std::stoi(buffer.substr(0, colon));
      EXPECT_EQ(std::stoi(buffer.substr(colon + 1, received.size - colon - 1)), next[sender]++);
    }
    for (auto& task : sending) co_await task;
  });
}

TEST_P(UnixDatagramTest, ASenderWaitsForItsOwnBufferToDrain) {
  run([&]() -> Task<> {
    UnixDatagram receiver = bound("receiver"), sender = UnixDatagram::unbound(runtime());
    EXPECT_TRUE(sender.options().set_send_buffer(64 << 10).ok());
    const std::string big(32 << 10, 'x');  // a few of these fill it, long before the receiver's queue is full
    const auto send = [&]() -> Task<> {
      for (int i = 0; i < 50; ++i) {
        const IoResult sent = co_await sender.send_to(bytes_of(std::string_view{big}), receiver.local_address());
        EXPECT_EQ(sent.value(), static_cast<long>(big.size()));
      }
    };
    auto sending = runtime().spawn(send());
    co_await until_parked(runtime());
    EXPECT_FALSE(sending.done());
    std::string buffer(big.size(), ' ');
    for (int i = 0; i < 50; ++i) {
      const Received received = co_await receiver.recv(bytes_of(buffer));
      EXPECT_EQ(received.size, big.size());
    }
    co_await sending;
  });
}

TEST_P(UnixDatagramTest, AnUnconnectedSenderIsToldOfAFullQueueAndMayWaitForRoom) {
  run([&]() -> Task<> {
    UnixDatagram receiver = bound("receiver"), others = UnixDatagram::unbound(runtime()), sender = UnixDatagram::unbound(runtime());
    const int queued = co_await fill(others, receiver.local_address());  // none of them the sender's: nothing of it drains
    EXPECT_GT(queued, 0);
    const IoResult full = co_await sender.send_to(bytes_of("x"), receiver.local_address());
    EXPECT_EQ(full.error(), EAGAIN);
    const auto send = [&]() -> Task<IoResult> {
      const IoResult room = co_await sender.room_at(receiver.local_address());
      EXPECT_TRUE(room.ok());
      const IoResult sent = co_await sender.send_to(bytes_of("mine"), receiver.local_address());
      co_return sent;
    };
    auto sending = runtime().spawn(send());
    co_await until_parked(runtime());
    std::string buffer(16, ' ');
    const Received one = co_await receiver.recv(bytes_of(buffer));
    EXPECT_EQ(one.size, 6u);
    const IoResult sent = co_await sending;
    EXPECT_EQ(sent.value(), 4);
    for (int i = 1; i < queued; ++i) (void)co_await receiver.recv(bytes_of(buffer));
    const Received mine = co_await receiver.recv(bytes_of(buffer));
    EXPECT_EQ(buffer.substr(0, mine.size), "mine");
    const IoResult at_once = co_await sender.room_at(receiver.local_address());
    EXPECT_TRUE(at_once.ok());
  });
  EXPECT_EQ(runtime().stats().registrations, 0u);
}

TEST_P(UnixDatagramTest, APeerThatGoesWakesWhoWaitsForIt) {
  run([&]() -> Task<> {
    UnixDatagram receiver = bound("receiver"), connected = UnixDatagram::unbound(runtime());
    const UnixAddress peer = receiver.local_address();
    EXPECT_TRUE(connected.connect(peer).ok());
    const auto send = [&]() -> Task<int> {
      for (;;) {
        const IoResult sent = co_await connected.send(bytes_of("x"));
        if (!sent) co_return sent.error();
      }
    };
    const auto wait = [&]() -> Task<int> {
      const IoResult room = co_await connected.room_at(peer);
      co_return room.error();
    };
    auto sending = runtime().spawn(send());
    co_await until_parked(runtime());
    auto waiting = runtime().spawn(wait());
    co_await until_parked(runtime(), 2);
    receiver.close();
    const int gone = co_await sending;
    EXPECT_EQ(gone, ECONNREFUSED);
    const int room = co_await waiting;  // room, or nobody: the next send says which
    EXPECT_TRUE(room == 0 || room == ECONNREFUSED) << room;
    const IoResult unconnected = co_await connected.send(bytes_of("x"));
    EXPECT_EQ(unconnected.error(), ENOTCONN);
    const IoResult nobody = co_await connected.send_to(bytes_of("x"), peer);
    EXPECT_EQ(nobody.error(), ENOENT);
    const IoResult no_room = co_await connected.room_at(peer);
    EXPECT_EQ(no_room.error(), ENOENT);

    UnixDatagram successor = UnixDatagram::bind(runtime(), peer);
    EXPECT_TRUE(connected.connect(peer).ok());
    const IoResult sent = co_await connected.send(bytes_of("again"));
    EXPECT_EQ(sent.value(), 5);
  });
}

TEST_P(UnixDatagramTest, OfAPairTheOneThatIsLeftLearnsItBySending) {
  run([&]() -> Task<> {
    auto [a, b] = UnixDatagram::pair(runtime()).take();
    b.close();
    const IoResult gone = co_await a.send(bytes_of("x"));
    EXPECT_EQ(gone.error(), ECONNREFUSED);
  });
}

TEST_P(UnixDatagramTest, AReceiveWithALimitGivesUpAndTheNextOneGetsTheDatagram) {
  run([&]() -> Task<> {
    auto [a, b] = UnixDatagram::pair(runtime()).take();
    std::string buffer(16, ' ');
    const Received late = co_await timeout(runtime(), 1ms, b.recv(bytes_of(buffer)));
    EXPECT_EQ(late.result.error(), ETIME);
    const IoResult sent = co_await a.send(bytes_of("now"));
    EXPECT_TRUE(sent.ok());
    const Received in_time = co_await timeout(runtime(), 1h, b.recv(bytes_of(buffer)));
    EXPECT_EQ(in_time.result.value(), 3);
  });
}

TEST_P(UnixDatagramTest, ClosingEndsWhatIsParkedInBothDirectionsAndRemovesTheFile) {
  run([&]() -> Task<> {
    UnixDatagram receiver = bound("receiver"), sender = bound("sender");
    EXPECT_TRUE(sender.connect(receiver.local_address()).ok());
    const auto send = [&]() -> Task<int> {
      for (;;) {
        const IoResult sent = co_await sender.send(bytes_of("x"));
        if (!sent) co_return sent.error();
      }
    };
    const auto receive = [&]() -> Task<int> {
      std::string buffer(16, ' ');
      const Received received = co_await sender.recv(bytes_of(buffer));
      co_return received.result.error();
    };
    auto sending = runtime().spawn(send());
    auto receiving = runtime().spawn(receive());
    co_await until_parked(runtime(), 2);
    EXPECT_TRUE(std::filesystem::exists(folder_.file("sender")));
    sender.close();
    EXPECT_FALSE(std::filesystem::exists(folder_.file("sender")));
    const int sent = co_await sending;
    EXPECT_EQ(sent, EBADF);
    const int received = co_await receiving;
    EXPECT_EQ(received, EBADF);
  });
}

TEST_P(UnixDatagramTest, ABindErrorNamesCauseAndRemedyAndLeavesNothing) {
  const UnixDatagram first = bound("socket");
  EXPECT_EQ(thrown_by([&] { return bound("socket"); }), EADDRINUSE);
  EXPECT_EQ(thrown_by([&] { return bound("absent/socket"); }), ENOENT);
  EXPECT_EQ(runtime().stats().registrations, 1u);
}

TEST_P(UnixDatagramTest, HandlesOutliveTheRuntimeAndSaySo) {
  auto ends = UnixDatagram::pair(runtime()).take();
  end_runtime();
  const auto other = make_runtime("arc_mutex");
  const auto receive = [&]() -> Task<int> {
    std::string buffer(16, ' ');
    const Received received = co_await ends.first.recv(bytes_of(buffer));
    co_return received.result.error();
  };
  EXPECT_EQ(other->block_on(receive()), ESHUTDOWN);
}

}  // namespace
}  // namespace reactorlab
