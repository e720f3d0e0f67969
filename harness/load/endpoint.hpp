#pragma once

#include <string>
#include <string_view>

#include <netinet/in.h>

namespace reactorlab::load {

/// HOST:PORT on this machine's loopback interface; load goes nowhere else. Throws std::invalid_argument with cause and
/// remedy.
[[nodiscard]] sockaddr_in parse_loopback_endpoint(std::string_view text);

[[nodiscard]] sockaddr_in loopback_endpoint(std::uint16_t port);

[[nodiscard]] std::string to_string(const sockaddr_in& endpoint);

}  // namespace reactorlab::load
