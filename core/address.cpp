#include "core/address.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

#include "core/error.hpp"

namespace reactorlab {

SocketAddress SocketAddress::parse(std::string_view text) {
  const auto wrong = [&]() -> SocketAddress {
    throw UsageError{"'" + std::string{text} + "' isn't an address; expected 127.0.0.1:8080 or [::1]:8080"};
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.empty()) return wrong();

  SocketAddress address;
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    sockaddr_in6& v6 = address.storage_.v6;
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    if (inet_pton(AF_INET6, std::string{host.substr(1, host.size() - 2)}.c_str(), &v6.sin6_addr) != 1) return wrong();
  } else {
    sockaddr_in& v4 = address.storage_.v4;
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    if (inet_pton(AF_INET, std::string{host}.c_str(), &v4.sin_addr) != 1) return wrong();
  }
  return address;
}

SocketAddress SocketAddress::loopback(std::uint16_t port) noexcept {
  SocketAddress address;
  sockaddr_in& v4 = address.storage_.v4;
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t SocketAddress::port() const noexcept {
  return ntohs(family() == AF_INET6 ? storage_.v6.sin6_port : storage_.v4.sin_port);
}

bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept {
  if (a.family() != b.family() || a.port() != b.port()) return false;
  if (a.family() != AF_INET6) return a.storage_.v4.sin_addr.s_addr == b.storage_.v4.sin_addr.s_addr;
  const sockaddr_in6 &x = a.storage_.v6, &y = b.storage_.v6;
  return std::memcmp(&x.sin6_addr, &y.sin6_addr, sizeof x.sin6_addr) == 0 && x.sin6_scope_id == y.sin6_scope_id;
}

std::string SocketAddress::to_string() const {
  char host[INET6_ADDRSTRLEN] = "?";
  const bool v6 = family() == AF_INET6;
  if (v6) {
    inet_ntop(AF_INET6, &storage_.v6.sin6_addr, host, sizeof host);
  } else {
    inet_ntop(AF_INET, &storage_.v4.sin_addr, host, sizeof host);
  }
  std::string text;
  if (v6) text += '[';
  text += host;
  if (v6) text += ']';
  text += ':';
  text += std::to_string(port());
  return text;
}

}  // namespace reactorlab
