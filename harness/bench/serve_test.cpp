// Clients that misbehave must not disturb anybody else. Every implementation in every configuration has to pass.
#include "harness/bench/entry.hpp"
#include "harness/bench/thread_server.hpp"
#include "harness/load/endpoint.hpp"
#include "harness/load/load.hpp"

#include <algorithm>
#include <system_error>

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace reactorlab::bench {

/// For GoogleTest's messages.
static void PrintTo(const Entry& entry, std::ostream* out) { *out << entry.label << ", " << entry.workers << " workers"; }

namespace {

using namespace std::chrono_literals;

/// A blocking client whose every wait is bounded, so that a broken server fails a test instead of hanging it.
class Client {
 public:
  Client() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  explicit Client(std::uint16_t port) : Client() { connect(port); }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Client() { close(); }
  Client(const Client&) = delete;

  void connect(std::uint16_t port) {
    const sockaddr_in address = load::loopback_endpoint(port);
    ASSERT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0)
        << std::system_category().message(errno);
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() {
    const linger abort{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    close();
  }
  void half_close() const { ::shutdown(fd_, SHUT_WR); }
  void send(const std::string& text, int flags = 0) const {
    ASSERT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | flags), static_cast<ssize_t>(text.size()));
  }
  /// Sends until the kernel takes no more; returns how much that was.
  [[nodiscard]] std::size_t send_until_full(const std::string& text) const {
    std::size_t total = 0;
    // Full means: nothing leaves for a while, because the other end no longer reads.
    for (pollfd writable{.fd = fd_, .events = POLLOUT, .revents = 0}; ::poll(&writable, 1, 200) == 1;) {
      const ssize_t n =
          ::send(fd_, text.data() + total % text.size(), text.size() - total % text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0) break;
      total += static_cast<std::size_t>(n);
    }
    return total;
  }
  /// Up to `size` bytes; fewer only at the end of the stream or of the patience.
  [[nodiscard]] std::string receive(std::size_t size) const {
    std::string text(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const ssize_t n = ::recv(fd_, text.data() + got, size - got, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      got += static_cast<std::size_t>(n);
    }
    text.resize(got);
    return text;
  }
  [[nodiscard]] bool at_end() const {
    char byte = 0;
    return ::recv(fd_, &byte, 1, 0) == 0;
  }

 private:
  int fd_;
};

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 131 + i / 251) & 0xff);
  return text;
}

void expect_echo(const Client& client, const std::string& text) {
  client.send(text);
  EXPECT_EQ(client.receive(text.size()), text);
}

class Serve : public testing::TestWithParam<Entry> {};
/// Not for loops that share a port (SO_REUSEPORT): another server of the same user may share it too.
class ServeOnItsOwnPort : public Serve {};
/// Not for several libuv loops: out of descriptors each frees its spare one, and another loop may take it.
class ServeWithoutDescriptors : public Serve {};
/// Not for libuv, which closes whom it has no descriptor for: its own remedy against spinning. Not for loops that share a port:
/// each has a queue of its own, and who leaves one makes no room in the other.
class ServeWhoWaits : public Serve {};

TEST_P(Serve, EchoesEveryShape) {
  ThreadServer server(GetParam());
  for (const std::size_t payload : {1U, 64U, 16384U, 32768U, 65536U}) {
    for (const std::size_t pipeline : {1U, 16U}) {
      load::LoadOptions options;
      options.endpoint = load::loopback_endpoint(server.port());
      options.conns = 16;
      options.payload = payload;
      options.pipeline = pipeline;
      options.warmup = 2ms;
      options.duration = 10ms;
      options.patience = 20s;
      EXPECT_EQ(load::run_load(options).error, "") << payload << " B, pipeline " << pipeline;
    }
  }
  EXPECT_EQ(server.stop().connections, 16U * 10);
}

TEST_P(Serve, HalfCloseGetsTheRestAndThenTheEnd) {
  ThreadServer server(GetParam());
  const Client client(server.port());
  const std::string text = pattern(100'000);
  client.send(text);
  client.half_close();
  EXPECT_EQ(client.receive(text.size()), text);
  EXPECT_TRUE(client.at_end());
}

TEST_P(Serve, HalfCloseWhileBlockedLosesNothing) {
  ThreadServer server(GetParam());
  const Client client(server.port());
  const std::string text = pattern(1'000'000);
  const std::size_t sent = client.send_until_full(text);
  client.half_close();
  const std::string back = client.receive(sent);
  ASSERT_EQ(back.size(), sent);
  for (std::size_t i = 0; i < sent; i += text.size()) {
    const std::size_t size = std::min(text.size(), sent - i);
    ASSERT_EQ(back.compare(i, size, text, 0, size), 0);
  }
  EXPECT_TRUE(client.at_end());
}

TEST_P(Serve, StalledGarbageAndResetClientsDisturbNobody) {
  ThreadServer server(GetParam());
  const Client bystander(server.port());
  expect_echo(bystander, "before");
  const Client stalled(server.port());
  EXPECT_GT(stalled.send_until_full(pattern(1'000'000)), 0U);
  expect_echo(bystander, "one client stalls");
  for (int i = 0; i < 200; ++i) {
    Client rude(server.port());
    rude.send(pattern(1 + static_cast<std::size_t>(i) * 97));
    if (i % 3 == 0)
      rude.reset();
    else if (i % 3 == 1)
      rude.half_close();
  }  // the others close with unread bytes, which resets them too
  expect_echo(bystander, pattern(300'000).substr(0, 50'000));
  Client stalled_then_reset(server.port());
  EXPECT_GT(stalled_then_reset.send_until_full(pattern(1'000'000)), 0U);
  stalled_then_reset.reset();
  expect_echo(bystander, "after");
  EXPECT_EQ(server.stop().connections, 203U);
}

TEST_P(Serve, DataBehindAnUrgentByteIsNotForgotten) {
  // A read stops short at the urgent mark although data follows, and no second edge comes for it. Who takes urgent data in line
  // (SO_OOBINLINE) echoes the byte itself too.
  ThreadServer server(GetParam());
  const Client client(server.port());
  for (int i = 0; i < 50; ++i) {
    client.send("ab");
    client.send("!", MSG_OOB);
    client.send("cd");
    std::string echoed = client.receive(4);
    if (std::erase(echoed, '!') == 1) echoed += client.receive(1);
    EXPECT_EQ(echoed, "abcd");
  }
}

TEST_P(Serve, StopsInOrderWithOpenConnections) {
  ThreadServer server(GetParam());
  const Client idle(server.port()), active(server.port());
  expect_echo(active, "hello");
  EXPECT_EQ(server.stop().connections, 2U);
  EXPECT_TRUE(idle.at_end());
  EXPECT_TRUE(active.at_end());
}

TEST_P(ServeOnItsOwnPort, InUseIsAnErrorThatNamesIt) {
  ThreadServer server(GetParam());
  const int stop_fd = ::eventfd(0, EFD_CLOEXEC);
  const Entry& entry = GetParam();
  try {
    make_engine(entry.impl)
        ->serve({.port = server.port(),
                 .backend = entry.backend,
                 .locking = entry.locking,
                 .workers = entry.workers,
                 .stop_fd = stop_fd,
                 .on_ready = [](std::uint16_t) { FAIL() << "two servers on one port"; }});
    ADD_FAILURE() << "no error";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EADDRINUSE) << error.what();
    EXPECT_NE(std::string(error.what()).find(std::to_string(server.port())), std::string::npos) << error.what();
  }
  ::close(stop_fd);
}

/// Leaves the process so many descriptors while it lives. It uses the others up instead of lowering the limit, because an accept
/// that io_uring has in flight goes by the limit of when it was armed.
class FewDescriptors {
 public:
  explicit FewDescriptors(std::size_t left) {
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken_.push_back(fd);
    for (; left > 0 && !taken_.empty(); --left) {
      ::close(taken_.back());
      taken_.pop_back();
    }
  }
  ~FewDescriptors() {
    for (const int fd : taken_) ::close(fd);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  std::vector<int> taken_;
};

/// A limit of open files that is near, from before the server starts on.
class NearLimit {
 public:
  NearLimit() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);  // the lowest free number
    ::close(next);
    const rlimit near{.rlim_cur = static_cast<rlim_t>(next) + 64, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &near);
  }
  ~NearLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NearLimit(const NearLimit&) = delete;
  NearLimit& operator=(const NearLimit&) = delete;

 private:
  rlimit before_{};
};

TEST_P(ServeWithoutDescriptors, DisturbsNobodyWhoIsIn) {
  const NearLimit limit;
  ThreadServer server(GetParam());
  const Client bystander(server.port());
  expect_echo(bystander, "before");
  std::vector<Client> clients(4);
  {
    const FewDescriptors one_more(1);
    clients[0].connect(server.port());
    expect_echo(clients[0], "the last for whom there is a descriptor");
    for (std::size_t i = 1; i < clients.size(); ++i) clients[i].connect(server.port());
    expect_echo(bystander, "who was there is served");
  }
  const Client late(server.port());
  expect_echo(late, "there are descriptors again");
}

TEST_P(ServeWhoWaits, ForDescriptorsDoesNotSpin) {
  const NearLimit limit;
  ThreadServer server(GetParam());
  const Client bystander(server.port());
  expect_echo(bystander, "before");
  std::vector<Client> clients(6);
  {
    const FewDescriptors two_more(2);
    for (Client& client : clients) client.connect(server.port());  // the listen queue takes them all
    expect_echo(clients[0], "the first gets in");
    expect_echo(clients[1], "and the second");
    expect_echo(bystander, "who was there is served");
    for (std::size_t i = 2; i < clients.size(); ++i) {
      clients[i - 2].close();
      expect_echo(clients[i], "one leaves, the next gets in");
    }
  }
  const ServeReport report = server.stop();
  EXPECT_EQ(report.connections, 7U);
  if (const auto refused = report.counters.find("accept_refused"); refused != report.counters.end()) {
    EXPECT_GE(refused->second, 1U);
    EXPECT_LE(refused->second, 1000U) << "it spins";
  }
}

std::string test_name(const testing::TestParamInfo<Entry>& info) {
  std::string name = info.param.label + "_" + info.param.backend;
  if (info.param.workers > 1) name += "_" + std::to_string(info.param.workers) + "_workers";
  std::replace_if(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

std::vector<Entry> every() { return choose_entries(impls(), {.impls = {"everything"}}).entries; }

/// The peers that have several workers; variants prove theirs in the conformance kit.
std::vector<Entry> peers_with_two_workers() {
  std::vector<Entry> entries = choose_entries(impls(), {.impls = {"everything"}, .workers = 2}).entries;
  std::erase_if(entries, [](const Entry& entry) { return find_impl(entry.impl).kind != ImplKind::Peer; });
  return entries;
}

std::vector<Entry> but_libuv(std::vector<Entry> entries) {
  std::erase_if(entries, [](const Entry& entry) { return entry.impl.starts_with("libuv"); });
  return entries;
}

/// Without the peers whose workers are loops with a listener each.
std::vector<Entry> with_one_listener(std::vector<Entry> entries) {
  std::erase_if(entries, [](const Entry& entry) {
    return entry.impl == "libuv" || entry.impl == "raw_uring" || entry.impl == "libevent" || entry.impl.ends_with(":per_thread");
  });
  return entries;
}

INSTANTIATE_TEST_SUITE_P(Every, Serve, testing::ValuesIn(every()), test_name);
INSTANTIATE_TEST_SUITE_P(Every, ServeOnItsOwnPort, testing::ValuesIn(every()), test_name);
INSTANTIATE_TEST_SUITE_P(Every, ServeWithoutDescriptors, testing::ValuesIn(every()), test_name);
INSTANTIATE_TEST_SUITE_P(Every, ServeWhoWaits, testing::ValuesIn(but_libuv(every())), test_name);
INSTANTIATE_TEST_SUITE_P(TwoWorkers, Serve, testing::ValuesIn(peers_with_two_workers()), test_name);
INSTANTIATE_TEST_SUITE_P(TwoWorkers, ServeOnItsOwnPort, testing::ValuesIn(with_one_listener(peers_with_two_workers())), test_name);
INSTANTIATE_TEST_SUITE_P(TwoWorkers, ServeWithoutDescriptors, testing::ValuesIn(but_libuv(peers_with_two_workers())), test_name);
INSTANTIATE_TEST_SUITE_P(TwoWorkers, ServeWhoWaits, testing::ValuesIn(but_libuv(with_one_listener(peers_with_two_workers()))),
                         test_name);

}  // namespace
}  // namespace reactorlab::bench
