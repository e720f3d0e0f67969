// URG: a ring whose submission queue is full.

#include "harness/conformance/rings.hpp"
#include "harness/conformance/streams.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

constexpr RingRequest kinds[] = {RingRequest::poll,   RingRequest::change,   RingRequest::cancel,   RingRequest::receive,
                                 RingRequest::accept, RingRequest::datagram, RingRequest::writable, RingRequest::send};

Task<> reads_one(TcpStream& stream, IoResult wanted) {
  std::byte byte;
  EXPECT_EQ(co_await stream.read({&byte, 1}), wanted);
}

Task<> answers(TcpListener& listener) {
  Outcome<TcpStream> accepted = co_await listener.accept();
  EXPECT_TRUE(accepted) << accepted.error();
  if (!accepted) co_return;
  TcpStream stream = accepted.take();
  co_await echo(stream);
}

/// A connection, an answer on it.
Task<> visits(IRuntime& rt) {
  auto listener = TcpListener::bind(rt, SocketAddress::loopback(0));
  auto server = rt.spawn(answers(listener));
  co_await waiters_are(rt, 1);
  Outcome<TcpStream> connected = co_await TcpStream::connect(rt, listener.local_address());
  EXPECT_TRUE(connected) << connected.error();
  if (connected) {
    TcpStream stream = connected.take();
    EXPECT_EQ(co_await stream.write_all(bytes_of("ping")), IoResult{4});
    const Lease lease = co_await stream.read_lease();
    EXPECT_EQ(text_of(lease.bytes()), "ping");
  }
  co_await server;
}

/// Datagrams to somebody who waits for them.
Task<> sends_datagrams(IRuntime& rt) {
  auto from = UdpSocket::bind(rt, SocketAddress::loopback(0)), to = UdpSocket::bind(rt, SocketAddress::loopback(0));
  const auto receives = [&]() -> Task<> {
    std::byte room[8];
    for (const long size : {3L, 5L}) EXPECT_EQ((co_await to.recv(room)).result, IoResult{size});
  };
  auto receiver = rt.spawn(receives());
  co_await waiters_are(rt, 1);
  for (const std::string_view text : {"one", "other"})
    EXPECT_EQ(co_await from.send_to(bytes_of(text), to.local_address()), IoResult{static_cast<long>(text.size())});
  co_await receiver;
}

/// Writers that wait for room, of a piece that is copied and of one that isn't.
Task<> waits_for_room(IRuntime& rt, SyncPoints& points) {
  for (const std::size_t size : {100u, 5'000u}) {
    Pair pair = socket_pair();
    const std::size_t filled = fill(pair.ours.get());
    auto stream = stream_over(rt, std::move(pair.ours));
    const std::string text = pattern(size);
    const auto writes = [&]() -> Task<> {
      EXPECT_EQ(co_await stream.write_all(bytes_of(text)), IoResult{static_cast<long>(size)});
    };
    auto writer = co_await spawn_parked(rt, points, writes());
    (void)take(pair.peer.get(), filled);
    co_await writer;
    EXPECT_EQ(take(pair.peer.get(), size), text);
  }
}

/// More is asked of a source; then it is closed while somebody waits for it.
Task<> widens_and_closes(IRuntime& rt) {
  Pair pair = socket_pair();
  auto handle = AsyncFd::own(rt, pair.ours.release());
  EXPECT_EQ(co_await next_edge<Direction::write>(handle), IoResult{0});
  put(pair.peer.get(), "x");
  EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
  handle.close();
  co_await seen_to_end(rt, pair.peer.get());
}

Task<> closes_while_reading(IRuntime& rt) {
  Pair pair = socket_pair();
  auto stream = stream_over(rt, std::move(pair.ours));
  auto reader = rt.spawn(reads_one(stream, IoResult{-EBADF}));
  co_await waiters_are(rt, 1);
  co_await events_dispatched(rt);
  stream.close();
  co_await reader;
  co_await seen_to_end(rt, pair.peer.get());
}

}  // namespace

// --- URG-02 -------------------------------------------------------------------------------------------------------------------

RULE(URG_02, more_at_once_than_the_queue_takes) {
  NEEDS_RING();
  constexpr unsigned crowd = 600;  // the queue has 256 entries
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    std::vector<Fd> peers;
    std::vector<std::unique_ptr<TcpStream>> streams;
    while (streams.size() < crowd) {
      Pair pair = socket_pair();
      streams.push_back(std::make_unique<TcpStream>(stream_over(rt, std::move(pair.ours))));
      peers.push_back(std::move(pair.peer));
    }
    const auto all_read = [&](IoResult wanted) {
      std::vector<JoinHandle<void>> readers;
      for (const auto& stream : streams) readers.push_back(rt.spawn(reads_one(*stream, wanted)));
      return readers;
    };
    auto readers = all_read(IoResult{1});
    co_await waiters_are(rt, crowd);
    for (const Fd& peer : peers) put(peer.get(), "x");
    for (auto& reader : readers) co_await reader;

    readers = all_read(IoResult{-EBADF});
    co_await waiters_are(rt, crowd);
    co_await events_dispatched(rt);
    for (const auto& stream : streams) stream->close();
    for (auto& reader : readers) co_await reader;
    for (const Fd& peer : peers) co_await seen_to_end(rt, peer.get());
  }());
}

RULE(URG_02, whatever_is_refused_is_made_up_for) {
  NEEDS_RING();
  for (const RingRequest kind : kinds) {
    SCOPED_TRACE(static_cast<int>(kind));
    Script script{sys::Op::ring_submission};
    SyncPoints points;
    script.refuse(kind, 1, 3);
    IRuntime& rt = runtime();
    rt.block_on([&]() -> Task<> {
      co_await visits(rt);
      co_await sends_datagrams(rt);
      co_await waits_for_room(rt, points);
      co_await widens_and_closes(rt);
      co_await closes_while_reading(rt);
    }());
    end_runtime();
    const auto submissions = script.log_of(sys::Op::ring_submission);
    const auto refused = std::ranges::count_if(submissions, [](const LoggedCall& call) { return call.result < 0; });
    const bool of_polls = kind == RingRequest::poll || kind == RingRequest::change || kind == RingRequest::cancel;
    if (of_polls || completes()) {
      EXPECT_GT(refused, 0) << "it never came to that";
    }
  }
}

}  // namespace reactorlab::conformance
