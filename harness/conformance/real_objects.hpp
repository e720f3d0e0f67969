#pragma once
// Kernel objects for tests, closed by themselves. Calls here go past the library, so scripts don't see them.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace reactorlab::conformance {

inline int checked(long result, const char* what) {
  if (result < 0) throw std::system_error{errno, std::system_category(), what};
  return static_cast<int>(result);
}

class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_{fd} {}
  Fd(Fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { close(); }

  int get() const noexcept { return fd_; }
  /// For a handle that closes it.
  int release() noexcept { return std::exchange(fd_, -1); }
  void close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

/// Two connected ends. `ours` is for the runtime (non-blocking), `peer` is the test's (blocking).
struct Pair {
  Fd ours, peer;
};

inline void set_nonblocking(int fd, bool on) {
  const int flags = checked(::fcntl(fd, F_GETFL), "fcntl");
  checked(::fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK), "fcntl");
}

inline Pair socket_pair(int type = SOCK_STREAM) {
  int fds[2];
  checked(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), "socketpair");
  set_nonblocking(fds[0], true);
  return {Fd{fds[0]}, Fd{fds[1]}};
}

/// The end to read from is ours.
inline Pair pipe_to_read() {
  int fds[2];
  checked(::pipe2(fds, O_CLOEXEC), "pipe2");
  set_nonblocking(fds[0], true);
  return {Fd{fds[0]}, Fd{fds[1]}};
}

/// The end to write to is ours.
inline Pair pipe_to_write() {
  Pair pair = pipe_to_read();
  set_nonblocking(pair.ours.get(), false);
  set_nonblocking(pair.peer.get(), true);
  return {std::move(pair.peer), std::move(pair.ours)};
}

inline Fd event_fd(unsigned value = 0) { return Fd{checked(::eventfd(value, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")}; }

/// One more edge of an eventfd.
inline void add_one(int event_fd) {
  const std::uint64_t one = 1;
  checked(::write(event_fd, &one, sizeof one), "write");
}

/// A listening socket on a free port of the loopback, and its address.
struct Listening {
  Fd fd;
  sockaddr_in address;
};

inline Listening listening(int backlog = 4096) {
  Listening l{Fd{checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")}, {}};
  l.address.sin_family = AF_INET;
  l.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const address = reinterpret_cast<sockaddr*>(&l.address);
  socklen_t size = sizeof l.address;
  checked(::bind(l.fd.get(), address, size), "bind");
  checked(::listen(l.fd.get(), backlog), "listen");
  checked(::getsockname(l.fd.get(), address, &size), "getsockname");
  return l;
}

/// A blocking connection to a port of the loopback.
inline Fd connect_to(const sockaddr_in& address) {
  Fd fd{checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
  checked(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  return fd;
}

inline Pair tcp_pair() {
  Listening l = listening();
  Fd peer = connect_to(l.address);
  Fd ours{checked(::accept4(l.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC), "accept4")};
  return {std::move(ours), std::move(peer)};
}

/// Closing it resets the connection instead of ending it.
inline void reset_on_close(int fd) {
  const linger now{1, 0};
  checked(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), "setsockopt");
}

// --- bytes ------------------------------------------------------------------------------------------------------------------

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span{text}); }

inline std::string text_of(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// All of it; waits where the descriptor is non-blocking and full.
inline void put(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EAGAIN) {
      pollfd entry{fd, POLLOUT, 0};
      ::poll(&entry, 1, -1);
      continue;
    }
    text.remove_prefix(static_cast<std::size_t>(checked(n, "write")));
  }
}

/// Exactly that many bytes, or less at the end of the stream; waits for them.
inline std::string take(int fd, std::size_t count) {
  std::string text(count, '\0');
  std::size_t have = 0;
  while (have < count) {
    const ssize_t n = ::read(fd, text.data() + have, count - have);
    if (n < 0 && errno == EAGAIN) {
      pollfd entry{fd, POLLIN, 0};
      ::poll(&entry, 1, -1);
      continue;
    }
    if (checked(n, "read") == 0) break;
    have += static_cast<std::size_t>(n);
  }
  text.resize(have);
  return text;
}

/// Writes to a non-blocking descriptor until it is full. How many bytes it took. Not of TCP, which moves bytes on afterwards: a
/// filled connection may have room again.
inline std::size_t fill(int fd) {
  const std::vector<char> block(64 * 1024, 'f');
  std::size_t total = 0;
  for (std::size_t size = block.size(); size > 0;) {
    const ssize_t n = ::send(fd, block.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      total += static_cast<std::size_t>(n);
    } else {
      size /= 2;  // the last few bytes too
    }
  }
  return total;
}

/// Reads whatever is there and doesn't wait. How many bytes there were.
inline std::size_t drain(int fd) {
  char block[64 * 1024];
  std::size_t total = 0;
  for (;;) {
    const ssize_t n = ::recv(fd, block, sizeof block, MSG_DONTWAIT);
    if (n <= 0) return total;
    total += static_cast<std::size_t>(n);
  }
}

}  // namespace reactorlab::conformance
