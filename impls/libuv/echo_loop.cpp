#include "impls/libuv/echo_loop.hpp"

#include "harness/scenarios/work.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include <netinet/in.h>
#include <sys/socket.h>

namespace reactorlab::libuv_peer {
namespace {

/// What the kernel didn't take at once. The buffer that it was read into serves everybody, so this is a copy.
struct Rest {
  uv_write_t request;
  std::unique_ptr<char[]> bytes;
};

uv_stream_t* stream_of(uv_tcp_t* handle) { return reinterpret_cast<uv_stream_t*>(handle); }

/// A connection is its handle and nothing else.
void close_connection(void* connection) {
  uv_close(handle_of(connection), [](uv_handle_t* closed) { delete reinterpret_cast<uv_tcp_t*>(closed); });
}

}  // namespace

EchoLoop::EchoLoop(const ServeRequest& request, std::uint16_t port, bool share_port)
    : chunk_(request.read_chunk), buffer_(std::make_unique_for_overwrite<char[]>(chunk_)), loop_(this) {
  listen(port, request.backlog, share_port);
  if (request.stop_fd < 0) return;
  check(uv_poll_init(loop_.get(), &stop_, request.stop_fd), "uv_poll_init of the stop descriptor");
  check(uv_poll_start(&stop_, UV_READABLE, on_stop), "uv_poll_start of the stop descriptor");
}

EchoLoop::~EchoLoop() { close_all(); }

void EchoLoop::listen(std::uint16_t port, int backlog, bool share_port) {
  check(uv_tcp_init_ex(loop_.get(), &listener_, AF_INET), "socket");
  uv_os_fd_t fd = -1;
  const int on = 1;
  if (share_port && uv_fileno(handle_of(&listener_), &fd) == 0)
    check(::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ? -errno : 0, "SO_REUSEPORT");
  check(uv_tcp_nodelay(&listener_, on), "TCP_NODELAY");  // accepted sockets inherit it
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int result = uv_tcp_bind(&listener_, reinterpret_cast<const sockaddr*>(&address), 0);
  if (result == 0) result = uv_listen(stream_of(&listener_), backlog, on_connection);
  check(result, "cannot listen on 127.0.0.1:" + std::to_string(port) + " (take another --port, or 0 for any free one)");
}

std::uint16_t EchoLoop::port() const {
  sockaddr_in address{};
  int size = sizeof address;
  check(uv_tcp_getsockname(&listener_, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return ntohs(address.sin_port);
}

void EchoLoop::on_connection(uv_stream_t* listener, int status) {
  if (status < 0) return;  // that client gave up; out of descriptors, libuv itself closes whoever waits
  EchoLoop& self = of(handle_of(listener));
  auto* connection = new uv_tcp_t;
  uv_tcp_init(self.loop_.get(), connection);
  if (uv_accept(listener, stream_of(connection)) < 0) return close_connection(connection);
  ++self.accepted_;
  uv_read_start(stream_of(connection), on_alloc, on_read);
}

/// Asked right before each read, and on_read is done with the bytes when it returns.
void EchoLoop::on_alloc(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
  EchoLoop& self = of(handle);
  *buffer = uv_buf_init(self.buffer_.get(), static_cast<unsigned>(self.chunk_));
}

void EchoLoop::on_read(uv_stream_t* connection, ssize_t size, const uv_buf_t* buffer) {
  if (size == 0) return;  // would block
  if (size < 0) return close_connection(connection);
  if (!work::do_requested_if_any(buffer->base, static_cast<std::size_t>(size))) return close_connection(connection);
  const uv_buf_t echo = uv_buf_init(buffer->base, static_cast<unsigned>(size));
  const int written = uv_try_write(connection, &echo, 1);
  if (written == size) return;
  if (written < 0 && written != UV_EAGAIN) return close_connection(connection);
  const int taken = written < 0 ? 0 : written;
  of(handle_of(connection)).write_rest(connection, echo.base + taken, echo.len - static_cast<unsigned>(taken));
}

/// A connection with something left to send isn't read: its peer decides how much it holds.
void EchoLoop::write_rest(uv_stream_t* connection, const char* rest, std::size_t size) {
  ++full_send_buffers_;
  auto* write = new Rest{.request = {}, .bytes = std::make_unique_for_overwrite<char[]>(size)};
  std::memcpy(write->bytes.get(), rest, size);
  write->request.data = write;
  const uv_buf_t buffer = uv_buf_init(write->bytes.get(), static_cast<unsigned>(size));
  uv_read_stop(connection);
  if (uv_write(&write->request, connection, &buffer, 1, on_written) == 0) return;
  delete write;
  close_connection(connection);
}

void EchoLoop::on_written(uv_write_t* request, int status) {
  uv_stream_t* connection = request->handle;
  delete static_cast<Rest*>(request->data);
  if (uv_is_closing(handle_of(connection)) != 0) return;
  if (status < 0) return close_connection(connection);
  uv_read_start(connection, on_alloc, on_read);
}

void EchoLoop::on_stop(uv_poll_t* watch, int, int) { of(handle_of(watch)).close_all(); }

/// No handle, no loop: run() ends when the last one is closed. Safe to repeat.
void EchoLoop::close_all() {
  uv_walk(
      loop_.get(),
      [](uv_handle_t* handle, void* self_pointer) {
        if (uv_is_closing(handle) != 0) return;
        const auto* self = static_cast<EchoLoop*>(self_pointer);
        const bool own = handle == static_cast<const void*>(&self->listener_) || handle == static_cast<const void*>(&self->stop_);
        if (own)
          uv_close(handle, nullptr);
        else
          close_connection(handle);
      },
      this);
}

}  // namespace reactorlab::libuv_peer
