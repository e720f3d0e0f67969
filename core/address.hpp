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
  int family() const noexcept { return storage_.ss_family; }

  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t size() const noexcept { return family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }
  static constexpr socklen_t capacity() noexcept { return sizeof(sockaddr_storage); }

 private:
  sockaddr_storage storage_{};
};

}  // namespace reactorlab
