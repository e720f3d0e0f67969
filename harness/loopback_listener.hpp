#pragma once

#include <cerrno>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <system_error>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace reactorlab {

/// The listener of a hand-written loop: on 127.0.0.1, with TCP_NODELAY, which accepted sockets inherit.
class LoopbackListener {
 public:
  /// A socket option that is switched on before the port is taken.
  struct Option {
    int level, name;
  };

  /// `owner` leads the texts of errors; `port` 0 takes a free one; `type_flags` are those of socket(2) beside SOCK_CLOEXEC. Throws
  /// std::system_error with cause and remedy.
  LoopbackListener(const std::string& owner, std::uint16_t port, int backlog, int type_flags,
                   std::initializer_list<Option> options = {})
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | type_flags, 0)) {
    if (fd_ < 0) throw std::system_error(errno, std::system_category(), owner + ": socket");
    switch_on({SOL_SOCKET, SO_REUSEADDR});
    switch_on({IPPROTO_TCP, TCP_NODELAY});
    for (const Option& option : options) switch_on(option);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const char* failed = ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ? "bind"
                         : ::listen(fd_, backlog) < 0                                                 ? "listen on"
                                                                                                      : nullptr;
    if (failed == nullptr) return;
    const int error = errno;
    close();
    throw std::system_error(
        error, std::system_category(),
        owner + ": cannot " + failed + " 127.0.0.1:" + std::to_string(port) + " (take another --port, or 0 for any free one)");
  }
  ~LoopbackListener() { close(); }
  LoopbackListener(const LoopbackListener&) = delete;
  LoopbackListener& operator=(const LoopbackListener&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) < 0)
      throw std::system_error(errno, std::system_category(), "getsockname of a listener");
    return ntohs(address.sin_port);
  }
  /// Safe to repeat.
  void close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  void switch_on(Option option) const {
    const int on = 1;
    ::setsockopt(fd_, option.level, option.name, &on, sizeof on);
  }

  int fd_;
};

}  // namespace reactorlab
