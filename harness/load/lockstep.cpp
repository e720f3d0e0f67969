#include "harness/load/lockstep.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace reactorlab::load {
namespace {

/// For anything a sound server does at once, even under valgrind on a busy machine.
constexpr timeval kPatience{.tv_sec = 60, .tv_usec = 0};

[[noreturn]] void fail(const char* what) {
  const std::string why = errno == EAGAIN ? "nothing happened for a minute" : std::system_category().message(errno);
  throw std::runtime_error(fmt::format("{}: {}", what, why));
}

int connect_to(const sockaddr_in& endpoint) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) ::setsockopt(fd, SOL_SOCKET, option, &kPatience, sizeof kPatience);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&endpoint), sizeof endpoint) == 0) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  fail("connect");
}

}  // namespace

Lockstep::Lockstep(const Options& options) : payload_(options.payload), pattern_(options.seed), echo_(options.payload) {
  if (payload_ == 0 || payload_ > Pattern::kRun || options.conns == 0)
    throw std::invalid_argument(fmt::format("a lockstep needs connections, and messages of 1 to {} bytes", Pattern::kRun));
  connections_.reserve(options.conns);
  try {
    for (std::size_t i = 0; i < options.conns; ++i) connections_.push_back({connect_to(options.endpoint), pattern_.start_of(i)});
  } catch (...) {
    for (const Connection& connection : connections_) ::close(connection.fd);
    throw;
  }
}

Lockstep::~Lockstep() {
  for (const Connection& connection : connections_) ::close(connection.fd);
}

void Lockstep::play(std::size_t turns) {
  for (std::size_t turn = 0; turn < turns; ++turn) {
    for (const Connection& connection : connections_) send(connection);
    for (std::size_t i = 0; i < connections_.size(); ++i) receive(connections_[i], i);
  }
}

void Lockstep::send(const Connection& connection) {
  const char* const bytes = pattern_.at(connection.position);
  for (std::size_t sent = 0; sent < payload_;) {
    const ssize_t n = ::send(connection.fd, bytes + sent, payload_ - sent, MSG_NOSIGNAL);
    if (n < 0) fail("send");
    sent += static_cast<std::size_t>(n);
  }
}

void Lockstep::receive(Connection& connection, std::size_t number) {
  const ssize_t n = ::recv(connection.fd, echo_.data(), payload_, MSG_WAITALL);
  if (n < 0) fail("recv");
  if (static_cast<std::size_t>(n) != payload_)
    throw std::runtime_error(fmt::format("connection {} was closed in the middle of an echo", number));
  if (!std::equal(echo_.begin(), echo_.end(), pattern_.at(connection.position)))
    throw std::runtime_error(fmt::format("connection {} got a wrong echo", number));
  connection.position = Pattern::advance(connection.position, payload_);
}

}  // namespace reactorlab::load
