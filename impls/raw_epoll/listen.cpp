#include "impls/raw_epoll/listen.hpp"

#include <cerrno>
#include <string>
#include <system_error>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace reactorlab::raw_epoll {
namespace {

[[noreturn]] void fail(int fd, const std::string& what) {
  const int error = errno;
  ::close(fd);
  throw std::system_error(error, std::system_category(), what);
}

}  // namespace

int listen_on_loopback(std::uint16_t port, int backlog) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::system_category(), "raw_epoll: socket");
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    fail(fd, "raw_epoll: cannot bind 127.0.0.1:" + std::to_string(port) + " (take another --port, or 0 for any free one)");
  if (::listen(fd, backlog) < 0)
    fail(fd, "raw_epoll: cannot listen on 127.0.0.1:" + std::to_string(port) + " (take another --port, or 0 for any free one)");
  return fd;
}

std::uint16_t bound_port(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) < 0)
    throw std::system_error(errno, std::system_category(), "raw_epoll: getsockname");
  return ntohs(address.sin_port);
}

}  // namespace reactorlab::raw_epoll
