#include "harness/load/endpoint.hpp"

#include <charconv>
#include <stdexcept>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace reactorlab::load {

sockaddr_in loopback_endpoint(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

sockaddr_in parse_loopback_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  unsigned port = 0;
  const auto digits = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || port == 0 || port > 65535)
    throw std::invalid_argument(fmt::format("'{}' is no HOST:PORT with a port of 1 to 65535, such as 127.0.0.1:8080", text));

  sockaddr_in address = loopback_endpoint(static_cast<std::uint16_t>(port));
  const std::string host(text.substr(0, colon));
  if (host == "localhost") return address;
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
    throw std::invalid_argument(fmt::format("'{}' is neither localhost nor an IPv4 address of loopback (127.x.x.x)", host));
  if ((ntohl(address.sin_addr.s_addr) >> 24) != 127)
    throw std::invalid_argument(
        fmt::format("{} is not on loopback: load is sent only to 127.x.x.x, so that no other "
                    "machine is ever flooded. Run bench on the server's machine",
                    host));
  return address;
}

std::string to_string(const sockaddr_in& endpoint) {
  char text[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &endpoint.sin_addr, text, sizeof text);
  return fmt::format("{}:{}", text, ntohs(endpoint.sin_port));
}

}  // namespace reactorlab::load
