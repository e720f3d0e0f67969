#pragma once

#include "harness/engine.hpp"
#include "impls/libuv/listening.hpp"
#include "impls/libuv/loop.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace reactorlab::libuv_peer {

/// One uv_loop_t with its own listener and one receive buffer for all its connections. Constructing it binds and
/// listens; run() may be called by another thread.
class EchoLoop {
 public:
  /// Several loops on one port set `share_port`, and the kernel deals the connections out.
  EchoLoop(const ServeRequest& request, bool share_port);
  ~EchoLoop();
  EchoLoop(const EchoLoop&) = delete;
  EchoLoop& operator=(const EchoLoop&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_of(&listener_); }
  /// Until the stop descriptor is readable; then everything is closed.
  ServeReport run();

 private:
  static EchoLoop& of(const uv_handle_t* handle) { return *static_cast<EchoLoop*>(handle->loop->data); }
  static void on_alloc(uv_handle_t* handle, std::size_t suggested, uv_buf_t* buffer);
  static void on_connection(uv_stream_t* listener, int status);
  static void on_read(uv_stream_t* connection, ssize_t size, const uv_buf_t* buffer);
  static void on_written(uv_write_t* request, int status);
  static void on_stop(uv_poll_t* watch, int status, int events);

  void write_rest(uv_stream_t* connection, const char* rest, std::size_t size);
  void close_all();

  const std::size_t chunk_;
  const std::unique_ptr<char[]> buffer_;
  std::uint64_t accepted_ = 0, full_send_buffers_ = 0;
  uv_tcp_t listener_;
  uv_poll_t stop_;
  Loop loop_;
};

/// A loop for each worker, on one port.
ServeReport serve_on_a_loop_each(const ServeRequest& request);

}  // namespace reactorlab::libuv_peer
