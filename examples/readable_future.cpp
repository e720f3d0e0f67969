// What stands between `co_await` and the reactor: an operation that is *polled*. It tries to read; if that would block,
// its task's waker goes to the reactor and the task sleeps; the reactor's wake polls it again. block_on() drives it to
// its end.
//
//   readable_future --port=7000      then, elsewhere: nc 127.0.0.1 7000, wait for "would block", and type

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include "examples/command_line.hpp"

using namespace reactorlab;

namespace {

/// Reads what is there. Leaf brings the loop: attempt, would block, arm, and again at each wake. Results are counts or
/// -errno.
class ReadableFuture : public Leaf<ReadableFuture, TcpStream, Direction::read> {
 public:
  ReadableFuture(TaskHeader& task, TcpStream* stream, std::span<char> into) noexcept : Leaf{task, *stream}, into_{into} {
    begin(attempt());  // the first poll: it may not have to wait at all
  }

  /// True: the result is final. False: nothing to read; the reactor will have the waker, and its next edge leads back
  /// here.
  bool attempt() noexcept {
    const ssize_t n = ::recv(source().fd(), into_.data(), into_.size(), 0);
    result_ = n < 0 ? -errno : n;
    ++polls_;
    if (result_ == IoResult{-EINTR}) return attempt();
    // Readiness is a hint: a poll after a wake may find nothing too, so EAGAIN is looked for each time.
    if (result_ == IoResult{-EAGAIN}) {
      fmt::print("poll {}: would block, so the waker goes to the reactor\n", polls_);
      return false;
    }
    fmt::print("poll {}: ready\n", polls_);
    return true;
  }
  /// The wait ended otherwise: the stream was closed, or the runtime is shutting down.
  void settle(IoResult why) noexcept { result_ = why; }

  IoResult await_resume() const noexcept { return result_; }

 private:
  std::span<char> into_;
  IoResult result_;
  unsigned polls_ = 0;
};

/// What is awaited: a description, of which co_await makes the operation in the frame of the task that waits.
auto readable(TcpStream& stream, std::span<char> into) {
  return Request<ReadableFuture, TcpStream*, std::span<char>>{&stream, into};
}

Task<IoResult> read_once(TcpListener& listener, std::span<char> into) {
  Outcome<TcpStream> stream = co_await listener.accept();
  if (!stream) throw std::system_error{stream.error_code(), "accept"};
  fmt::print("a connection from {}\n", stream->peer_address().to_string());
  co_return co_await readable(*stream, into);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  examples::CommandLine line{"Waits for one client's first bytes with an operation of its own."};
  line.app.add_option("--port", port, "on 127.0.0.1; 0: the kernel chooses")->capture_default_str();

  return line.run(argc, argv, [&](IRuntime& runtime) {
    TcpListener listener = TcpListener::bind(runtime, SocketAddress::loopback(port));
    fmt::print("listening on {}\n", listener.local_address().to_string());

    std::array<char, 256> buffer;
    const IoResult got = runtime.block_on(read_once(listener, buffer));
    if (!got) throw std::system_error{got.error_code(), "recv"};
    fmt::print("{} bytes: {}\n", got.count(), std::string_view{buffer.data(), got.count()});
    return 0;
  });
}
