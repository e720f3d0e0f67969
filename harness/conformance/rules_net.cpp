// NET: sockets.

#include <gmock/gmock.h>

#include <csignal>
#include <cstdio>

#include "harness/conformance/kit.hpp"

namespace reactorlab::conformance {
namespace {

/// In a child process, whose SIGPIPE is as it is for any program: writes again and again until it is told that the peer is gone,
/// says so, and exits by itself. `write()` is co_awaited.
template <class Write>
[[noreturn]] void write_until_told(IRuntime& rt, Write&& write) {
  std::signal(SIGPIPE, SIG_DFL);
  sigset_t pipe_signal;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_UNBLOCK, &pipe_signal, nullptr);
  const IoResult last = rt.block_on([&]() -> Task<IoResult> {
    // The peer's reset may be late on a busy machine; until then the send buffer takes what there is, then the write waits for it.
    constexpr int most_writes = 1'000'000;
    IoResult result{0};
    for (int i = 0; i < most_writes && result; ++i) result = co_await write();
    co_return result;
  }());
  const bool told = last.error() == EPIPE || last.error() == ECONNRESET;
  std::fprintf(stderr, "%s\n", told ? "told that the peer is gone" : last.error_code().message().c_str());
  ::_exit(told ? 0 : 1);
}

/// The child is this program, started anew, and runs up to here.
#define EXPECT_TOLD_WITHOUT_SIGNAL(...)                                                   \
  do {                                                                                    \
    GTEST_FLAG_SET(death_test_style, "threadsafe");                                       \
    Quiescence::OutsideHelp child;                                                        \
    EXPECT_EXIT(__VA_ARGS__, ::testing::ExitedWithCode(0), "told that the peer is gone"); \
  } while (false)

}  // namespace

// --- NET-11 -------------------------------------------------------------------------------------------------------------------

RULE(NET_11, stream_single_write) {
  EXPECT_TOLD_WITHOUT_SIGNAL({
    Pair pair = tcp_pair();
    auto stream = TcpStream::adopt(runtime().ref(), pair.ours.release());
    pair.peer.close();
    write_until_told(runtime(), [&] { return stream->write_all(bytes_of("x")); });
  });
}

RULE(NET_11, stream_vectored_write) {
  EXPECT_TOLD_WITHOUT_SIGNAL({
    Pair pair = tcp_pair();
    auto stream = TcpStream::adopt(runtime().ref(), pair.ours.release());
    pair.peer.close();
    char text[] = "xy";
    iovec parts[2];
    write_until_told(runtime(), [&] {
      parts[0] = {text, 1};
      parts[1] = {text + 1, 1};
      return stream->write_vector(parts);
    });
  });
}

RULE(NET_11, other_sockets) {
  EXPECT_TOLD_WITHOUT_SIGNAL({
    Pair pair = socket_pair();
    auto handle = AsyncFd::borrow(runtime(), pair.ours.get());
    pair.peer.close();
    write_until_told(runtime(), [&] { return handle.write(bytes_of("x")); });
  });
}

RULE(NET_11, pipes) {
  EXPECT_TOLD_WITHOUT_SIGNAL({
    Pair pair = pipe_to_write();
    auto handle = AsyncFd::borrow(runtime(), pair.ours.get(), Interest::write);
    pair.peer.close();
    write_until_told(runtime(), [&] { return handle.write(bytes_of("x")); });
  });
}

}  // namespace reactorlab::conformance
