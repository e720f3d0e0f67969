#include "core/socket_options.hpp"

#include <netinet/tcp.h>

#include "core/error.hpp"

namespace reactorlab {

UniqueFd listening_socket(const SocketAddress& local, int backlog, bool reuse_port) {
  const long opened = sys::socket(local.family(), SOCK_STREAM);
  if (opened < 0) throw_errno(static_cast<int>(-opened), "socket", "raise the limit of open files (ulimit -n)");
  UniqueFd fd{static_cast<int>(opened)};
  const int on = 1;
  sys::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (reuse_port) sys::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (const long bound = sys::bind(fd.get(), local.data(), local.size()); bound < 0) {
    const char* const remedy = bound == -EADDRINUSE      ? "choose another port, or 0 for any, or end who has it (ss -ltnp)"
                               : bound == -EACCES        ? "ports below 1024 need root; choose a higher one"
                               : bound == -EADDRNOTAVAIL ? "use an address of this machine, such as 127.0.0.1"
                                                         : "check the address";
    throw_errno(static_cast<int>(-bound), "bind " + local.to_string(), remedy);
  }
  if (const long listening = sys::listen(fd.get(), backlog); listening < 0) {
    throw_errno(static_cast<int>(-listening), "listen on " + local.to_string(), "choose another port, or 0 for any");
  }
  return fd;
}

IoResult SocketOptions::set_nodelay(bool on) const noexcept { return set(IPPROTO_TCP, TCP_NODELAY, int{on}); }

IoResult SocketOptions::set_linger(bool on, int seconds) const noexcept { return set(SOL_SOCKET, SO_LINGER, linger{on, seconds}); }

IoResult SocketOptions::set_send_buffer(int bytes) const noexcept { return set(SOL_SOCKET, SO_SNDBUF, bytes); }

IoResult SocketOptions::set_receive_buffer(int bytes) const noexcept { return set(SOL_SOCKET, SO_RCVBUF, bytes); }

IoResult SocketOptions::take_error() const noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  const long read = sys::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  return read < 0 ? read : -error;
}

SocketAddress SocketOptions::local_address() const noexcept {
  SocketAddress address;
  socklen_t size = SocketAddress::capacity();
  sys::getsockname(fd_, address.data(), &size);
  return address;
}

SocketAddress SocketOptions::peer_address() const noexcept {
  SocketAddress address;
  socklen_t size = SocketAddress::capacity();
  sys::getpeername(fd_, address.data(), &size);
  return address;
}

}  // namespace reactorlab
