// ERR: errors and bad input.

#include <climits>

#include "harness/conformance/addresses.hpp"
#include "harness/conformance/errors.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

/// The error of registering it, or 0.
int error_of_registering(IRuntime& rt, int fd, Interest interest = Interest::read) {
  return error_of([&] { return AsyncFd::borrow(rt, fd, interest); });
}

Task<> expect_a_byte(AsyncFd& handle) {
  std::byte buffer[8];
  EXPECT_EQ(co_await handle.read(buffer), IoResult{1});
}

}  // namespace

// --- ERR-01 -------------------------------------------------------------------------------------------------------------------

RULE(ERR_01, no_descriptor) {
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  const int closed = pair.ours.get();
  pair.ours.close();
  for (const int fd : {-1, INT_MAX, closed}) EXPECT_EQ(error_of_registering(rt, fd), EBADF) << fd;
  EXPECT_EQ(TcpStream::adopt(rt.ref(), closed).error(), EBADF);
  EXPECT_EQ(rt.stats().registrations, 0u);
}

// --- ERR-02 -------------------------------------------------------------------------------------------------------------------

RULE(ERR_02, files_and_folders) {
  IRuntime& rt = runtime();
  for (const char* const path : {"/proc/self/exe", "/"}) {
    const Fd file{checked(::open(path, O_RDONLY | O_CLOEXEC), "open")};
    EXPECT_EQ(error_of_registering(rt, file.get()), EPERM);
    EXPECT_EQ(error_of_registering(rt, file.get(), Interest::both), EPERM);
  }
  EXPECT_EQ(rt.stats().registrations, 0u);
}

// --- ERR-03 -------------------------------------------------------------------------------------------------------------------

RULE(ERR_03, the_first_goes_on) {
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    auto reader = co_await spawn_parked(rt, points, expect_a_byte(handle));
    for (int again = 0; again < 3; ++again) EXPECT_EQ(error_of_registering(rt, pair.ours.get()), EEXIST);
    EXPECT_EQ(TcpStream::adopt(rt.ref(), pair.ours.get()).error(), EEXIST);
    EXPECT_EQ(rt.stats().registrations, 1u);
    put(pair.peer.get(), "x");
    co_await reader;
  }());
}

// --- ERR-07 -------------------------------------------------------------------------------------------------------------------

RULE(ERR_07, hang_up_of_what_nobody_reads) {
  Script script{sys::Op::epoll_wait};
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get(), Interest::none);
    const Token token = script.token_of(pair.ours.get());
    put(pair.peer.get(), "x");
    co_await events_dispatched(rt);
    pair.peer.close();
    for (int turn = 0; turn < 20; ++turn) co_await events_dispatched(rt);
    unsigned reports = 0;
    for (const LoggedCall& wait : script.log_of(sys::Op::epoll_wait)) {
      for (const Event& event : wait.events) reports += event.token == token;
    }
    EXPECT_LE(reports, 2u) << "it is reported in every turn";
    co_await expect_a_byte(handle);
  }());
}

RULE(ERR_07, reading_adds_what_it_needs) {
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get(), Interest::none);
    auto reader = co_await spawn_parked(rt, points, expect_a_byte(handle));
    put(pair.peer.get(), "x");
    co_await reader;
  }());
}

// --- ERR-08 -------------------------------------------------------------------------------------------------------------------

RULE(ERR_08, workers) {
  for (const unsigned workers : {0u, 1'000'000u}) {
    RuntimeOptions options = configuration().options;
    options.workers = workers;
    const std::string said = usage_error_of([&] { return make(options); });
    ASSERT_NE(said.find("workers must be 1"), std::string::npos) << said;
  }
  (void)runtime();  // what was refused isn't in the way
}

RULE(ERR_08, other_values) {
  IRuntime& rt = runtime();
  for (const Duration period : {Duration::zero(), Duration{-1}, Duration::min()}) {
    EXPECT_NE(usage_error_of([&] { return Interval{rt, period}; }), "");
  }
  for (const char* const text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "[::1:80", "localhost:80"}) {
    EXPECT_NE(usage_error_of([&] { return SocketAddress::parse(text); }), "") << text;
  }
  EXPECT_NE(usage_error_of([] { return make_runtime("no_such_home"); }), "");
}

// --- ERR-09 -------------------------------------------------------------------------------------------------------------------

RULE(ERR_09, two_failures_in_one_batch) {
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair broken = tcp_pair();
  Pair unread = pipe_to_write();
  const std::string block(4096, 'f');
  while (::write(unread.ours.get(), block.data(), block.size()) > 0) {
  }
  rt.block_on([&]() -> Task<> {
    auto first = stream_over(rt, std::move(broken.ours));
    auto second = AsyncFd::borrow(rt, unread.ours.get(), Interest::write);
    const auto reads = [&]() -> Task<> {
      std::byte byte;
      EXPECT_EQ(co_await first.read({&byte, 1}), IoResult{-ECONNRESET});
    };
    const auto writes = [&]() -> Task<> { EXPECT_EQ(co_await second.write(bytes_of("x")), IoResult{-EPIPE}); };
    auto reader = co_await spawn_parked(rt, points, reads());
    auto writer = co_await spawn_parked(rt, points, writes());
    reset_on_close(broken.peer.get());
    broken.peer.close();
    unread.peer.close();
    co_await reader;
    co_await writer;
  }());
}

}  // namespace reactorlab::conformance
