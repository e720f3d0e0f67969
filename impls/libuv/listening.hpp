#pragma once

#include "harness/engine.hpp"

#include <cstdint>

#include <uv.h>

namespace reactorlab::libuv_peer {

/// A listener on 127.0.0.1 with TCP_NODELAY, which accepted sockets inherit. Several on one port set `share_port`. Throws
/// std::system_error with cause and remedy.
void listen_on_loopback(uv_loop_t* loop, uv_tcp_t* listener, const ServeRequest& request, bool share_port,
                        uv_connection_cb on_connection);

[[nodiscard]] std::uint16_t port_of(const uv_tcp_t* listener);

inline uv_stream_t* stream_of(uv_tcp_t* handle) { return reinterpret_cast<uv_stream_t*>(handle); }

}  // namespace reactorlab::libuv_peer
