#include "core/socket_options.hpp"

#include <netinet/tcp.h>

namespace reactorlab {

IoResult SocketOptions::set_nodelay(bool on) const noexcept { return set(IPPROTO_TCP, TCP_NODELAY, int{on}); }

IoResult SocketOptions::set_linger(bool on, int seconds) const noexcept { return set(SOL_SOCKET, SO_LINGER, linger{on, seconds}); }

IoResult SocketOptions::set_send_buffer(int bytes) const noexcept { return set(SOL_SOCKET, SO_SNDBUF, bytes); }

IoResult SocketOptions::set_receive_buffer(int bytes) const noexcept { return set(SOL_SOCKET, SO_RCVBUF, bytes); }

IoResult SocketOptions::set_broadcast(bool on) const noexcept { return set(SOL_SOCKET, SO_BROADCAST, int{on}); }

IoResult SocketOptions::take_error() const noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  const long read = sys::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  return read < 0 ? read : -error;
}

}  // namespace reactorlab
