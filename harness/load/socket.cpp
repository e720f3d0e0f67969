#include "harness/load/socket.hpp"

#include "harness/load/endpoint.hpp"

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace reactorlab::load {

std::string socket_error_text(int error) {
  std::string text = std::system_category().message(error);
  if (error == ECONNREFUSED) text += " (is the server running?)";
  if (error == EADDRNOTAVAIL)
    text += " (no local port is free: let earlier connections expire, or widen net.ipv4.ip_local_port_range)";
  return text;
}

namespace {

int socket_of(int family, int type) {
  const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::system_category(), "load: socket");
  return fd;
}

template <class Address>
Dialled connected(int fd, const Address& address, const std::string& name) {
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EINPROGRESS) return {.fd = fd};
  const int error = errno;
  ::close(fd);
  return {.error = fmt::format("connecting to {} failed: {}", name, socket_error_text(error))};
}

int tcp_socket(Ending ending) {
  const int fd = socket_of(AF_INET, SOCK_STREAM);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (ending == Ending::Reset) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  return fd;
}

}  // namespace

Dialled dial(const sockaddr_in& endpoint, Ending ending) { return connected(tcp_socket(ending), endpoint, to_string(endpoint)); }

Dialled dial_itself() {
  const int fd = tcp_socket(Ending::Reset);
  sockaddr_in own = loopback_endpoint(0);
  socklen_t size = sizeof own;
  auto* const address = reinterpret_cast<sockaddr*>(&own);
  if (::bind(fd, address, size) == 0 && ::getsockname(fd, address, &size) == 0) return connected(fd, own, "itself");
  const int error = errno;
  ::close(fd);
  return {.error = "binding failed: " + socket_error_text(error)};
}

Dialled dial_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::invalid_argument(path + " is too long for a Unix socket's path");
  path.copy(address.sun_path, path.size());
  return connected(socket_of(AF_UNIX, SOCK_STREAM), address, path);
}

Dialled dial_udp(const sockaddr_in& endpoint) { return connected(socket_of(AF_INET, SOCK_DGRAM), endpoint, to_string(endpoint)); }

}  // namespace reactorlab::load
