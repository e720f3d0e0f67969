#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace reactorlab {

/// An IPv4 or IPv6 address and port. No DNS.
class SocketAddress {
 public:
  SocketAddress() noexcept = default;
  /// "127.0.0.1:8080" or "[::1]:8080". Throws UsageError with the expected form.
  static SocketAddress parse(std::string_view text);
  static SocketAddress loopback(std::uint16_t port) noexcept;  ///< 127.0.0.1; port 0: the kernel chooses

  std::uint16_t port() const noexcept;
  std::string to_string() const;
  int family() const noexcept { return storage_.any.sa_family; }
  friend bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept;

  // --- for system calls -----------------------------------------------------------------------------------------------------

  const sockaddr* data() const noexcept { return &storage_.any; }
  sockaddr* data() noexcept { return &storage_.any; }
  socklen_t size() const noexcept { return family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }
  static constexpr socklen_t capacity() noexcept { return sizeof(Storage); }
  /// After the kernel has written it; 0: it has written nothing.
  void resize(socklen_t size) noexcept {
    if (size == 0) *this = SocketAddress{};
  }

 private:
  union Storage {
    sockaddr_in6 v6;  // the largest, so that zeros reach everywhere
    sockaddr_in v4;
    sockaddr any;
  };
  Storage storage_{};
};

}  // namespace reactorlab
