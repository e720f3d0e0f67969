#pragma once

#include <cstdint>

namespace reactorlab::raw_epoll {

/// A non-blocking listener on 127.0.0.1 with TCP_NODELAY, which accepted sockets inherit. Throws std::system_error with
/// cause and remedy; the caller owns the descriptor.
[[nodiscard]] int listen_on_loopback(std::uint16_t port, int backlog);

[[nodiscard]] std::uint16_t bound_port(int fd);

}  // namespace reactorlab::raw_epoll
