#include "core/udp.hpp"

#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "core/combinators.hpp"
#include "core/socket_test.hpp"
#include "core/time.hpp"

namespace reactorlab {
namespace {

using namespace std::chrono_literals;
using UdpTest = RuntimeTest;
REACTORLAB_ON_EVERY_RUNTIME(UdpTest);

UdpSocket on_loopback(IRuntime& runtime) { return UdpSocket::bind(runtime, SocketAddress::loopback(0)); }

/// An address of the loopback that no other process uses, so that a port may be given up and taken again.
SocketAddress own_loopback() {
  const int id = ::getpid();
  return SocketAddress::parse("127.77." + std::to_string(id >> 8 & 255) + "." + std::to_string(id & 255) + ":0");
}

TEST_P(UdpTest, DatagramsArriveAndNameTheirSender) {
  for (const char* const loopback : {"127.0.0.1:0", "[::1]:0"}) {
    run([&]() -> Task<> {
      UdpSocket a = UdpSocket::bind(runtime(), SocketAddress::parse(loopback));
      UdpSocket b = UdpSocket::bind(runtime(), SocketAddress::parse(loopback));
      std::string buffer(64, ' ');
      for (const char* const text : {"one", "", "three"}) {
        const IoResult sent = co_await a.send_to(bytes_of(std::string_view{text}), b.local_address());
        EXPECT_EQ(sent.value(), static_cast<long>(std::strlen(text)));
        const auto received = co_await b.recv_from(bytes_of(buffer));
        EXPECT_EQ(received.result.value(), static_cast<long>(std::strlen(text)));
        EXPECT_EQ(buffer.substr(0, received.size), text);
        EXPECT_FALSE(received.truncated());
        EXPECT_EQ(received.from, a.local_address()) << received.from.to_string();
      }
    });
  }
  EXPECT_EQ(runtime().stats().registrations, 0u);
}

TEST_P(UdpTest, BoundariesAreKeptFromNothingToTheLargest) {
  run([&]() -> Task<> {
    UdpSocket a = on_loopback(runtime()), b = on_loopback(runtime());
    EXPECT_TRUE(a.connect(b.local_address()).ok());
    std::string buffer(70'000, ' ');
    for (const std::size_t size : {0, 1, 65'507, 0}) {
      const std::string text(size, 'x');
      const IoResult sent = co_await a.send(bytes_of(text));
      EXPECT_EQ(sent.value(), static_cast<long>(size));
      const Received received = co_await b.recv(bytes_of(buffer));
      EXPECT_EQ(received.result.value(), static_cast<long>(size));
      EXPECT_EQ(received.size, size);
    }
    const std::string too_big(65'508, 'x');
    const IoResult refused = co_await a.send(bytes_of(too_big));
    EXPECT_EQ(refused.error(), EMSGSIZE);
  });
}

TEST_P(UdpTest, WhatDoesntFitIsReportedAndLost) {
  run([&]() -> Task<> {
    UdpSocket a = on_loopback(runtime()), b = on_loopback(runtime());
    for (const char* const text : {"0123456789", "abc", "xyz"}) {
      const IoResult sent = co_await a.send_to(bytes_of(std::string_view{text}), b.local_address());
      EXPECT_TRUE(sent.ok());
    }
    std::string buffer(4, ' ');
    const auto cut = co_await b.recv_from(bytes_of(buffer));
    EXPECT_EQ(cut.result.value(), 4);
    EXPECT_EQ(cut.size, 10u);
    EXPECT_TRUE(cut.truncated());
    EXPECT_EQ(buffer, "0123");
    const Received dropped = co_await b.recv({});
    EXPECT_EQ(dropped.result.value(), 0);
    EXPECT_EQ(dropped.size, 3u);
    EXPECT_TRUE(dropped.truncated());
    const Received whole = co_await b.recv(bytes_of(buffer));
    EXPECT_EQ(whole.size, 3u);
    EXPECT_FALSE(whole.truncated());
    EXPECT_EQ(buffer.substr(0, 3), "xyz");
  });
}

TEST_P(UdpTest, AllThatIsQueuedComesAfterOneEdge) {
  run([&]() -> Task<> {
    UdpSocket a = on_loopback(runtime()), b = on_loopback(runtime());
    const auto receive_all = [&]() -> Task<std::vector<std::string>> {
      std::vector<std::string> all;
      std::string buffer(16, ' ');
      while (all.size() < 100) {
        const Received received = co_await b.recv(bytes_of(buffer));
        EXPECT_TRUE(static_cast<bool>(received));
        if (!received) break;
        all.push_back(buffer.substr(0, received.size));
      }
      co_return all;
    };
    auto receiver = runtime().spawn(receive_all());
    co_await until_parked(runtime());
    for (int i = 0; i < 100; ++i) {
      const std::string text = std::to_string(i);
      const IoResult sent = co_await a.send_to(bytes_of(text), b.local_address());
      EXPECT_TRUE(sent.ok());
    }
    const std::vector<std::string> all = co_await receiver;
    EXPECT_EQ(all.size(), 100u);
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], std::to_string(i));
  });
}

TEST_P(UdpTest, NobodyThereIsOneOperationsErrorAndTheSocketGoesOn) {
  run([&]() -> Task<> {
    UdpSocket a = UdpSocket::bind(runtime(), own_loopback());
    std::optional<UdpSocket> b = UdpSocket::bind(runtime(), own_loopback());
    const SocketAddress peer = b->local_address();
    b.reset();
    EXPECT_TRUE(a.connect(peer).ok());
    EXPECT_EQ(a.peer_address(), peer);

    std::string buffer(16, ' ');
    const auto receive = [&]() -> Task<IoResult> {
      const Received received = co_await a.recv(bytes_of(buffer));
      co_return received.result;
    };
    auto receiver = runtime().spawn(receive());  // parked: the error must wake it
    co_await until_parked(runtime());
    const IoResult sent = co_await a.send(bytes_of("anybody?"));
    EXPECT_EQ(sent.value(), 8);
    const IoResult refused = co_await receiver;
    EXPECT_EQ(refused.error(), ECONNREFUSED);

    const IoResult sent_again = co_await a.send(bytes_of("anybody?"));
    EXPECT_EQ(sent_again.value(), 8);
    pollfd answer_to_it{a.fd(), 0, 0};
    EXPECT_EQ(::poll(&answer_to_it, 1, 20'000), 1);  // at once, unless the kernel defers what it has to deliver
    const IoResult refused_send = co_await a.send(bytes_of("anybody?"));  // the first operation after it, whichever
    EXPECT_EQ(refused_send.error(), ECONNREFUSED);

    b = UdpSocket::bind(runtime(), peer);
    const IoResult heard = co_await a.send(bytes_of("hello"));
    EXPECT_EQ(heard.value(), 5);
    const auto question = co_await b->recv_from(bytes_of(buffer));
    EXPECT_EQ(question.result.value(), 5);
    const IoResult answered = co_await b->send_to(bytes_of("yes"), question.from);
    EXPECT_EQ(answered.value(), 3);
    const Received answer = co_await a.recv(bytes_of(buffer));
    EXPECT_EQ(answer.result.value(), 3);
  });
}

TEST_P(UdpTest, ConnectedMeansThatOnlyThePeerIsHeard) {
  run([&]() -> Task<> {
    UdpSocket a = on_loopback(runtime()), b = on_loopback(runtime()), stranger = on_loopback(runtime());
    const IoResult nowhere = co_await a.send(bytes_of("x"));
    EXPECT_EQ(nowhere.error(), EDESTADDRREQ);
    EXPECT_EQ(a.peer_address(), SocketAddress{});
    EXPECT_TRUE(a.connect(b.local_address()).ok());
    const IoResult unheard = co_await stranger.send_to(bytes_of("noise"), a.local_address());
    EXPECT_TRUE(unheard.ok());
    const IoResult sent = co_await b.send_to(bytes_of("signal"), a.local_address());
    EXPECT_TRUE(sent.ok());
    std::string buffer(16, ' ');
    const auto received = co_await a.recv_from(bytes_of(buffer));
    EXPECT_EQ(buffer.substr(0, received.size), "signal");
    EXPECT_EQ(received.from, b.local_address());
  });
}

TEST_P(UdpTest, AReceiveWithALimitGivesUpAndTheNextOneGetsTheDatagram) {
  run([&]() -> Task<> {
    UdpSocket a = on_loopback(runtime()), b = on_loopback(runtime());
    std::string buffer(16, ' ');
    const auto late = co_await timeout(runtime(), 1ms, b.recv_from(bytes_of(buffer)));
    EXPECT_EQ(late.result.error(), ETIME);
    EXPECT_FALSE(late.truncated());
    const auto receive = [&]() -> Task<> { (void)co_await b.recv(bytes_of(buffer)); };
    auto cancelled = runtime().spawn(receive());
    co_await until_parked(runtime());
    cancelled.cancel();
    co_await until([&] { return cancelled.done(); });
    EXPECT_EQ(runtime().stats().waiters, 0u);
    const IoResult sent = co_await a.send_to(bytes_of("now"), b.local_address());
    EXPECT_TRUE(sent.ok());
    const Received in_time = co_await timeout(runtime(), 1h, b.recv(bytes_of(buffer)));
    EXPECT_EQ(in_time.result.value(), 3);
  });
  EXPECT_EQ(runtime().stats().pending_timers, 0u);
}

TEST_P(UdpTest, ClosingEndsWhatIsParkedAndWhatComesLater) {
  run([&]() -> Task<> {
    UdpSocket a = on_loopback(runtime());
    std::string buffer(16, ' ');
    const auto receive = [&]() -> Task<IoResult> {
      const auto received = co_await a.recv_from(bytes_of(buffer));
      co_return received.result;
    };
    auto receiver = runtime().spawn(receive());
    co_await until_parked(runtime());
    a.close();
    const IoResult ended = co_await receiver;
    EXPECT_EQ(ended.error(), EBADF);
    const Received closed = co_await a.recv(bytes_of(buffer));
    EXPECT_EQ(closed.result.error(), EBADF);
    const IoResult unsent = co_await a.send(bytes_of("x"));
    EXPECT_EQ(unsent.error(), EBADF);
  });
}

TEST_P(UdpTest, OptionsReachTheSocket) {
  run([&]() -> Task<> {
    UdpSocket a = UdpSocket::bind(runtime(), SocketAddress::parse("127.0.0.1:0"));
    const SocketAddress everybody = SocketAddress::parse("127.255.255.255:9");
    const IoResult refused = co_await a.send_to(bytes_of("x"), everybody);
    EXPECT_EQ(refused.error(), EACCES);
    EXPECT_TRUE(a.options().set_broadcast(true).ok());
    const IoResult allowed = co_await a.send_to(bytes_of("x"), everybody);
    EXPECT_TRUE(allowed.ok()) << allowed.error_code().message();

    // A receiver with little room drops what it has no room for; that is UDP.
    UdpSocket small = on_loopback(runtime());
    EXPECT_TRUE(small.options().set_receive_buffer(1).ok());  // the kernel's minimum
    const std::string thousand(1000, 'x');
    for (int i = 0; i < 1000; ++i) {
      const IoResult sent = co_await a.send_to(bytes_of(thousand), small.local_address());
      EXPECT_TRUE(sent.ok());
    }
    std::string buffer(1000, ' ');
    const Received first = co_await small.recv(bytes_of(buffer));
    EXPECT_EQ(first.size, thousand.size());
    int received = 1;
    for (;;) {
      const Received one = co_await timeout(runtime(), Duration::zero(), small.recv(bytes_of(buffer)));
      if (!one) break;
      ++received;
    }
    EXPECT_LT(received, 1000);
  });
}

TEST_P(UdpTest, ABindErrorNamesCauseAndRemedyAndLeavesNothing) {
  {
    const UdpSocket first = on_loopback(runtime());
    const SocketAddress taken = first.local_address();
    EXPECT_EQ(thrown_by([&] { return UdpSocket::bind(runtime(), taken); }), EADDRINUSE);
    EXPECT_EQ(thrown_by([&] { return UdpSocket::bind(runtime(), SocketAddress::parse("192.0.2.1:0")); }), EADDRNOTAVAIL);
    EXPECT_EQ(runtime().stats().registrations, 1u);
  }
  const UdpSocket one = UdpSocket::bind(runtime(), SocketAddress::loopback(0), {.reuse_port = true});
  const UdpSocket two = UdpSocket::bind(runtime(), one.local_address(), {.reuse_port = true});
  EXPECT_EQ(one.local_address(), two.local_address());
}

TEST_P(UdpTest, HandlesOutliveTheRuntimeAndSaySo) {
  UdpSocket socket = on_loopback(runtime());
  end_runtime();
  const auto other = make_runtime("arc_mutex");
  std::string buffer(16, ' ');
  const auto receive = [&]() -> Task<IoResult> {
    const Received received = co_await socket.recv(bytes_of(buffer));
    co_return received.result;
  };
  EXPECT_EQ(other->block_on(receive()).error(), ESHUTDOWN);
}

}  // namespace
}  // namespace reactorlab
