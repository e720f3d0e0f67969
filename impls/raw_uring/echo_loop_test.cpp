// What serve_test can't make happen for certain: a pool that runs dry, a full completion queue, many who stall at once, the number
// of system calls.
#include "impls/raw_uring/echo_loop.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace reactorlab {

std::unique_ptr<Engine> make_raw_uring_engine();

namespace raw_uring {
namespace {

/// A client whose waits are bounded, so that a broken loop fails a test instead of hanging it.
class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Client() {
    if (fd_ >= 0) ::close(fd_);
  }
  Client& operator=(Client&&) = delete;

  void send(const std::string& text) const {
    EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  /// The text over and over, until the other end takes no more of it or `limit` bytes are gone.
  [[nodiscard]] std::size_t send_until_full(const std::string& text, std::size_t limit) const {
    std::size_t total = 0;
    for (pollfd writable{.fd = fd_, .events = POLLOUT, .revents = 0}; total < limit && ::poll(&writable, 1, 200) == 1;) {
      const std::size_t at = total % text.size();
      const ssize_t n = ::send(fd_, text.data() + at, text.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) total += static_cast<std::size_t>(n);
    }
    return total;
  }
  void half_close() const { ::shutdown(fd_, SHUT_WR); }
  /// Up to `size` bytes; fewer only at the end of the stream or of the patience.
  [[nodiscard]] std::string receive(std::size_t size, int flags = 0) const {
    std::string text(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const ssize_t n = ::recv(fd_, text.data() + got, size - got, flags);
      if (n < 0 && errno == EINTR) continue;  // the kernel takes leave of who made a ring
      if (n <= 0) break;
      got += static_cast<std::size_t>(n);
    }
    text.resize(got);
    return text;
  }

 private:
  int fd_;
};

/// Differs from that of another `seed` and has no short period.
std::string pattern(std::size_t size, std::size_t seed = 0) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(((i + seed) * 131 + i / 251) & 0xff);
  return text;
}

/// Says where they differ instead of printing both.
testing::AssertionResult same(const std::string& received, const std::string& sent) {
  if (received == sent) return testing::AssertionSuccess();
  const auto [left, right] = std::mismatch(received.begin(), received.end(), sent.begin(), sent.end());
  return testing::AssertionFailure() << received.size() << " bytes instead of " << sent.size() << ", the first "
                                     << left - received.begin() << " are right";
}

class RawUring : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = make_raw_uring_engine()->obstacle()) GTEST_SKIP() << *reason;
  }
  ~RawUring() override { ::close(stop_fd_); }

  [[nodiscard]] EchoLoop make_loop(LoopSizes sizes) const { return EchoLoop({.stop_fd = stop_fd_}, false, sizes); }
  void ring_stop() const {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(stop_fd_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
  }
  /// Of a loop that another thread runs.
  [[nodiscard]] ServeReport stop(std::future<ServeReport>& running) const {
    ring_stop();
    return running.get();
  }

  const int stop_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
};

std::future<ServeReport> run(EchoLoop& loop) {
  return std::async(std::launch::async, [&loop] { return loop.run(); });
}

constexpr LoopSizes kTiny = {.ring = {.submissions = 4, .completions = 8}, .buffers = 4};

TEST_F(RawUring, ADryPoolAndAFullQueueLoseNothing) {
  EchoLoop loop = make_loop(kTiny);
  const std::uint16_t port = loop.port();
  std::vector<Client> clients;
  for (std::size_t i = 0; i < 64; ++i) clients.emplace_back(port).send(pattern(1000 + i, i));
  auto running = run(loop);  // finds 64 messages, and has four buffers
  for (std::size_t i = 0; i < clients.size(); ++i) EXPECT_TRUE(same(clients[i].receive(1000 + i), pattern(1000 + i, i))) << i;
  for (std::size_t i = 0; i < clients.size(); ++i) clients[i].send(pattern(50, i));
  for (std::size_t i = 0; i < clients.size(); ++i) EXPECT_TRUE(same(clients[i].receive(50), pattern(50, i))) << i;
  const ServeReport report = stop(running);
  EXPECT_EQ(report.connections, 64U);
  EXPECT_GT(report.counters.at("no_buffers"), 0U) << "the pool never ran dry: the test proves nothing";
  EXPECT_EQ(report.counters.at("connection_errors"), 0U);
}

TEST_F(RawUring, AHalfCloseWithADryPoolGetsEverythingAndThenTheEnd) {
  EchoLoop loop = make_loop(kTiny);
  const std::uint16_t port = loop.port();
  const std::string text = pattern(400'000);  // three times what four buffers hold
  const Client client(port), other(port);
  auto running = run(loop);
  for (const Client* one : {&client, &other}) {
    one->send(text);
    one->half_close();
  }
  for (const Client* one : {&client, &other}) EXPECT_TRUE(same(one->receive(text.size() + 1), text));
  EXPECT_EQ(stop(running).connections, 2U);
}

TEST_F(RawUring, WhoStallsHoldsNoBufferAndIsNotReceivedFrom) {
  EchoLoop loop = make_loop(kTiny);
  const std::uint16_t port = loop.port();
  auto running = run(loop);
  constexpr std::size_t kLimit = 64'000'000;
  const std::string text = pattern(1'000'000);
  std::vector<Client> stalled;
  std::vector<std::size_t> sent;
  for (unsigned i = 0; i < 2 * kTiny.buffers; ++i) {
    sent.push_back(stalled.emplace_back(port).send_until_full(text, kLimit));
    EXPECT_LT(sent.back(), kLimit) << "the loop takes whatever comes";
  }
  const Client bystander(port);
  bystander.send("all buffers are there");
  EXPECT_EQ(bystander.receive(21), "all buffers are there");
  for (std::size_t i = 0; i < stalled.size(); ++i) {  // who takes its bytes again gets each of them, and is served again
    stalled[i].half_close();
    const std::string back = stalled[i].receive(sent[i] + 1);
    ASSERT_EQ(back.size(), sent[i]);
    for (std::size_t at = 0; at < back.size(); at += text.size()) {
      const std::size_t size = std::min(text.size(), back.size() - at);
      ASSERT_EQ(back.compare(at, size, text, 0, size), 0) << i;
    }
  }
  EXPECT_GE(stop(running).counters.at("full_send_buffers"), stalled.size());
}

TEST_F(RawUring, StopsWithSendsParkedAndBuffersOut) {
  EchoLoop loop = make_loop(kTiny);
  const std::uint16_t port = loop.port();
  auto running = run(loop);
  std::vector<Client> stalled;
  for (int i = 0; i < 6; ++i) EXPECT_GT(stalled.emplace_back(port).send_until_full(pattern(1'000'000), 64'000'000), 0U);
  EXPECT_EQ(stop(running).connections, 6U);
}

/// Client and loop share a thread, so nothing depends on a scheduler: each round finds the messages of all connections, sends the
/// echoes of the round before with the same call, and has to take more than the 20 that a call for one completion brings.
TEST_F(RawUring, AtMost0035SystemCallsPerMessage) {
  constexpr std::size_t kConnections = 64, kRounds = 100, kSize = 64;
  EchoLoop loop = make_loop({});
  const std::uint16_t port = loop.port();
  loop.start();
  std::vector<Client> clients;
  std::vector<std::string> sent(kConnections), echoed(kConnections);
  for (std::size_t i = 0; i < kConnections; ++i) clients.emplace_back(port);
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < kConnections; ++i) {
      const std::string message = pattern(kSize, round * kConnections + i);
      clients[i].send(message);
      sent[i] += message;
    }
    ASSERT_TRUE(loop.turn());
    for (std::size_t i = 0; i < kConnections; ++i) echoed[i] += clients[i].receive(2 * kSize, MSG_DONTWAIT);
  }
  ring_stop();
  while (loop.turn()) {
  }
  const ServeReport report = loop.finish();
  for (std::size_t i = 0; i < kConnections; ++i) {
    echoed[i] += clients[i].receive(kRounds * kSize);
    EXPECT_TRUE(same(echoed[i], sent[i])) << i;
  }
  const double per_message = static_cast<double>(report.counters.at("syscalls")) / (kConnections * kRounds);
  RecordProperty("system_calls_per_message", std::to_string(per_message));
  EXPECT_GE(per_message, 0.01) << "something isn't counted";
  EXPECT_LE(per_message, 0.035);
}

/// From here on io_uring_setup(2) of this process fails as a seccomp profile makes it fail.
bool forbid_rings(int error) {
  std::array<sock_filter, 4> code = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  sock_fprog program{.len = code.size(), .filter = code.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/// In a child: 0 if both the question and the attempt name the remedy.
int exit_status_without_rings(int error, const std::string& remedy) {
  if (!forbid_rings(error)) return 1;
  const auto engine = make_raw_uring_engine();
  if (engine->obstacle().value_or("").find(remedy) == std::string::npos) return 2;
  try {
    (void)engine->serve({});
    return 3;
  } catch (const std::system_error& refused) {
    return std::string(refused.what()).find(remedy) == std::string::npos ? 4 : 0;
  }
}

TEST(RawUringWithoutRings, NamesCauseAndRemedy) {
  EXPECT_EXIT(std::_Exit(exit_status_without_rings(EPERM, "kernel.io_uring_disabled")), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(std::_Exit(exit_status_without_rings(ENOSYS, "Linux 6.1")), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(std::_Exit(exit_status_without_rings(EINVAL, "too old")), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace raw_uring
}  // namespace reactorlab
