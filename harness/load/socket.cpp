#include "harness/load/socket.hpp"

#include "harness/load/endpoint.hpp"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace reactorlab::load {

std::string socket_error_text(int error) {
  std::string text = std::system_category().message(error);
  if (error == ECONNREFUSED) text += " (is the server running?)";
  if (error == EADDRNOTAVAIL)
    text += " (no local port is free: let earlier connections expire, or widen net.ipv4.ip_local_port_range)";
  return text;
}

Dialled dial(const sockaddr_in& endpoint, Ending ending) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::system_category(), "load: socket");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (ending == Ending::Reset) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&endpoint), sizeof endpoint) == 0 || errno == EINPROGRESS) return {.fd = fd};
  const int error = errno;
  ::close(fd);
  return {.error = fmt::format("connecting to {} failed: {}", to_string(endpoint), socket_error_text(error))};
}

}  // namespace reactorlab::load
