// URG: what a request holds: memory, results and files.

#include <sys/ioctl.h>

#include <array>
#include <future>
#include <thread>

#include "harness/conformance/foreign.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/process_memory.hpp"
#include "harness/conformance/small_rings.hpp"
#include "harness/conformance/streams.hpp"
#include "harness/conformance/tasks.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

constexpr char untouched = 'u';

Task<IoResult> read_into(TcpStream& stream, std::span<std::byte> room) { co_return co_await stream.read(room); }
Task<IoResult> write_copy(TcpStream& stream, std::string text) { co_return co_await stream.write_all(bytes_of(text)); }

/// Room that whoever gave up waiting has no claim to any more.
struct Room {
  Room() { bytes.fill(static_cast<std::byte>(untouched)); }
  bool is_untouched() const { return text_of(bytes) == std::string(bytes.size(), untouched); }

  std::array<std::byte, 64> bytes;
};

/// A stream on which every write waits, and what its peer gets until its end.
class FullStream {
 public:
  explicit FullStream(IRuntime& rt) : FullStream{rt, socket_pair()} {}

  /// Waits for the end of the stream: on a thread that isn't the runtime's, or when the stream has been closed.
  std::string behind_the_filling() const {
    const std::string all = take(peer.get(), filled_ + 64 * 1024);
    EXPECT_EQ(all.substr(0, filled_), std::string(filled_, 'f'));
    return all.substr(std::min(filled_, all.size()));
  }

 private:
  FullStream(IRuntime& rt, Pair pair)
      : filled_{fill_little(pair.ours.get())}, stream{stream_over(rt, std::move(pair.ours))}, peer{std::move(pair.peer)} {}
  static std::size_t fill_little(int fd) {
    const int size = 4096;
    checked(::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), "setsockopt");
    return fill(fd);
  }

  std::size_t filled_;

 public:
  TcpStream stream;
  Fd peer;
};

}  // namespace

// --- URG-04 -------------------------------------------------------------------------------------------------------------------

/// Whether a write that was given up is still made is nobody's promise, but what is made of it are its bytes.
RULE(URG_04, a_send_that_was_given_up) {
  NEEDS_RING();
  const std::string sent = pattern(900), last = "and no more";
  SyncPoints points;
  IRuntime& rt = runtime();
  for (int round = 0; round < 10; ++round) {
    FullStream full{rt};
    std::future<std::string> peer;
    rt.block_on([&]() -> Task<> {
      auto writer = co_await spawn_parked(rt, points, [](TcpStream& stream, std::string text) -> Task<> {
        (void)co_await stream.write_all(bytes_of(text));
      }(full.stream, sent));
      co_await events_dispatched(rt);  // the request has gone to the kernel
      writer.cancel();
      EXPECT_TRUE(co_await ended_cancelled(writer));
      peer = std::async(std::launch::async, [&] { return full.behind_the_filling(); });
      EXPECT_EQ(co_await full.stream.write_all(bytes_of(last)), IoResult{static_cast<long>(last.size())});
      full.stream.close();
    }());
    const std::string got = peer.get();
    EXPECT_TRUE(got.ends_with(last));
    const std::string of_the_first = got.substr(0, got.size() - std::min(got.size(), last.size()));
    EXPECT_TRUE(sent.starts_with(of_the_first)) << "the kernel sent what had become of the memory";
  }
}

RULE(URG_04, a_send_whose_stream_is_closed) {
  NEEDS_RING();
  const std::string sent = pattern(900);
  IRuntime& rt = runtime();
  for (int round = 0; round < 10; ++round) {
    FullStream full{rt};
    std::future<std::string> peer;
    rt.block_on([&]() -> Task<> {
      auto writer = rt.spawn(write_copy(full.stream, sent));
      co_await waiters_are(rt, 1);
      co_await events_dispatched(rt);
      full.stream.close();  // before there is room: the writer, on another thread perhaps, is to be parked
      peer = std::async(std::launch::async, [&] { return full.behind_the_filling(); });
      (void)co_await writer;
    }());
    EXPECT_TRUE(sent.starts_with(peer.get())) << "the kernel sent what had become of the memory";
  }
}

RULE(URG_04, a_receive_that_was_given_up) {
  NEEDS_RING();
  Room given_up, next;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    Pair pair = socket_pair();
    auto stream = stream_over(rt, std::move(pair.ours));
    auto reader = rt.spawn(read_into(stream, given_up.bytes));
    co_await waiters_are(rt, 1);
    co_await events_dispatched(rt);
    reader.cancel();
    EXPECT_TRUE(co_await ended_cancelled(reader));
    put(pair.peer.get(), "late bytes");
    co_await events_dispatched(rt);
    EXPECT_EQ(co_await stream.read(next.bytes), IoResult{10});
    EXPECT_EQ(text_of(std::span{next.bytes}.first(10)), "late bytes");
    EXPECT_TRUE(given_up.is_untouched());
  }());
  EXPECT_TRUE(given_up.is_untouched());
}

// --- URG-06 -------------------------------------------------------------------------------------------------------------------

namespace {

Task<int> accept_and_keep(TcpListener& listener, std::optional<TcpStream>& accepted) {
  auto connection = co_await listener.accept();
  if (!connection) co_return connection.error();
  accepted.emplace(connection.take());
  co_return 0;
}

Fd client_of(const TcpListener& listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  checked(::getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return connect_to(address);
}

/// What a blocking peer that sent nothing is left with: true at an end or a reset.
bool is_over(int fd) {
  char byte;
  return ::read(fd, &byte, 1) <= 0;
}

}  // namespace

/// The task that asked for connections is gone when they come: the next one gets the first, and the listener's end the others.
RULE(URG_06, connections) {
  NEEDS_RING();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto listener = TcpListener::bind(rt, SocketAddress::loopback(0));
    std::optional<TcpStream> accepted;
    auto acceptor = rt.spawn(accept_and_keep(listener, accepted));
    co_await waiters_are(rt, 1);
    acceptor.cancel();
    EXPECT_TRUE(co_await ended_cancelled(acceptor));

    const std::size_t before = ProcessState::now().descriptors.size();
    std::vector<Fd> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(client_of(listener));
    if (completes()) {
      while (ProcessState::now().descriptors.size() != before + 2 * clients.size()) co_await yield();
    }
    EXPECT_EQ(co_await accept_and_keep(listener, accepted), 0);
    put(clients.front().get(), "x");
    std::byte byte;
    EXPECT_EQ(co_await accepted->read({&byte, 1}), IoResult{1});

    AutoResetEvent all_over;
    std::jthread observer{[&] {
      for (std::size_t i = 1; i < clients.size(); ++i) EXPECT_TRUE(is_over(clients[i].get()));
      all_over.set();
    }};
    listener.close();
    co_await all_over.wait();
    accepted.reset();
    EXPECT_TRUE(is_over(clients.front().get()));
    clients.clear();
  }());
}

/// More of them than the pools of all threads keep.
RULE(URG_06, bytes) {
  NEEDS_RING();
  constexpr std::size_t rounds = 12, warm_up = 2, connections = sanitized ? 10 : 64;
  IRuntime& rt = runtime();
  ProcessMemory before;
  rt.block_on([&]() -> Task<> {
    for (std::size_t round = 0; round < rounds; ++round) {
      if (round == warm_up) before = ProcessMemory::now();
      std::vector<Pair> pairs(connections);
      std::vector<TcpStream> streams;
      for (Pair& pair : pairs) {
        pair = socket_pair();
        streams.push_back(stream_over(rt, std::move(pair.ours)));
        Room room;
        auto reader = rt.spawn(read_into(streams.back(), room.bytes));
        co_await waiters_are(rt, 1);
        reader.cancel();
        EXPECT_TRUE(co_await ended_cancelled(reader));
        put(pair.peer.get(), "nobody reads this");
      }
      for (const TcpStream& stream : streams) {
        for (int left = 1; completes() && left != 0;) {  // until the ring has received it
          co_await yield();
          checked(::ioctl(stream.fd(), FIONREAD, &left), "FIONREAD");
        }
      }
      co_await events_dispatched(rt);
    }
  }());
  constexpr std::size_t received = (rounds - warm_up) * connections;
  EXPECT_LE(ProcessMemory::now().heap_bytes, before.heap_bytes + received * sizeof(ReadBuffer) / 2);
}

// --- URG-09 -------------------------------------------------------------------------------------------------------------------

RULE(URG_09, streams) {
  NEEDS_RING();
  IRuntime& rt = runtime();
  for (const auto& make_pair : kinds_of_stream_pairs) {
    rt.block_on([&]() -> Task<> {
      Pair pair = make_pair();
      Room room;
      auto stream = stream_over(rt, std::move(pair.ours));
      auto reader = rt.spawn(read_into(stream, room.bytes));
      co_await waiters_are(rt, 1);
      AutoResetEvent over;
      std::jthread observer{[&] {
        EXPECT_TRUE(is_over(pair.peer.get()));
        over.set();
      }};
      co_await events_dispatched(rt);
      stream.close();
      EXPECT_EQ(co_await reader, IoResult{-EBADF});
      co_await over.wait();
    }());
  }
}

RULE(URG_09, a_send_under_way) {
  NEEDS_RING();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    FullStream full{rt};
    auto writer = rt.spawn(write_copy(full.stream, pattern(900)));
    co_await waiters_are(rt, 1);
    co_await events_dispatched(rt);
    AutoResetEvent over;
    full.stream.close();
    EXPECT_EQ(co_await writer, IoResult{-EBADF});
    std::jthread observer{[&] {
      (void)full.behind_the_filling();
      over.set();
    }};
    co_await over.wait();
  }());
}

RULE(URG_09, polls) {
  NEEDS_RING();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    Pair pair = socket_pair();
    auto handle = AsyncFd::own(rt, pair.ours.release());
    auto waiting = rt.spawn([](AsyncFd& on) -> Task<IoResult> { co_return co_await next_edge<Direction::read>(on); }(handle));
    co_await waiters_are(rt, 1);
    co_await events_dispatched(rt);
    AutoResetEvent over;
    std::jthread observer{[&] {
      EXPECT_TRUE(is_over(pair.peer.get()));
      over.set();
    }};
    handle.close();
    EXPECT_EQ(co_await waiting, IoResult{-EBADF});
    co_await over.wait();
  }());
}

// --- URG-11 -------------------------------------------------------------------------------------------------------------------

namespace {

/// A runtime with requests of every kind under way, none of which is ever answered.
void live_and_end(std::unique_ptr<IRuntime> rt, unsigned requests, const std::string& sent) {
  std::vector<FullStream> writers;
  std::vector<Pair> silent;
  std::vector<TcpStream> readers;
  std::vector<Room> rooms(requests);
  std::vector<JoinHandle<IoResult>> tasks;
  std::optional<TcpStream> accepted;
  auto listener = TcpListener::bind(*rt, SocketAddress::loopback(0));
  auto acceptor = rt->spawn(accept_and_keep(listener, accepted));
  for (unsigned i = 0; i < requests; ++i) {
    silent.push_back(socket_pair());
    readers.push_back(stream_over(*rt, std::move(silent.back().ours)));
    writers.emplace_back(*rt);
  }
  for (unsigned i = 0; i < requests; ++i) {
    tasks.push_back(rt->spawn(read_into(readers[i], rooms[i].bytes)));
    tasks.push_back(rt->spawn(write_copy(writers[i].stream, sent)));
  }
  rt->block_on([&]() -> Task<> {
    co_await waiters_are(*rt, tasks.size() + 1);
    co_await events_dispatched(*rt);
  }());
  rt.reset();
  for (const Pair& pair : silent) put(pair.peer.get(), "too late");
  for (const Room& room : rooms) EXPECT_TRUE(room.is_untouched());
  for (FullStream& full : writers) full.stream.close();
  for (const FullStream& full : writers) {
    EXPECT_TRUE(sent.starts_with(full.behind_the_filling())) << "the kernel sent what had become of the memory";
  }
}

}  // namespace

RULE(URG_11, nobody_answers) {
  NEEDS_RING();
  // The threads of the first rounds give back what larger rings have left in the pool.
  constexpr unsigned warm_up = 8, rounds = 18, requests = 60;
  const SmallRings few_buffers{{.buffers = 4}};  // which threads may keep or not
  const std::string sent = pattern(900);
  // Each on a thread that ends, and gives back what it kept.
  const auto live_on = [&](unsigned times) {
    for (unsigned n = 0; n < times; ++n) on_another_thread([&] { live_and_end(make(), requests, sent); });
  };
  live_on(warm_up);
  const ProcessMemory before = ProcessMemory::now();
  live_on(rounds - warm_up);
  EXPECT_LE(ProcessMemory::now().heap_bytes, before.heap_bytes + (rounds - warm_up) * requests * sent.size() / 2);
}

}  // namespace reactorlab::conformance
