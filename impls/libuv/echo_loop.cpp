#include "impls/libuv/echo_loop.hpp"

#include "harness/peer_serving.hpp"
#include "harness/scenarios/work.hpp"

#include <csignal>
#include <cstring>

namespace reactorlab::libuv_peer {
namespace {

/// What the kernel didn't take at once. The buffer that it was read into serves everybody, so this is a copy.
struct Rest {
  uv_write_t request;
  std::unique_ptr<char[]> bytes;
};

/// A connection is its handle and nothing else.
void close_connection(void* connection) {
  uv_close(handle_of(connection), [](uv_handle_t* closed) { delete reinterpret_cast<uv_tcp_t*>(closed); });
}

}  // namespace

EchoLoop::EchoLoop(const ServeRequest& request, bool share_port)
    : chunk_(request.read_chunk), buffer_(std::make_unique_for_overwrite<char[]>(chunk_)), loop_(this) {
  listen_on_loopback(loop_.get(), &listener_, request, share_port, on_connection);
  if (request.stop_fd < 0) return;
  check(uv_poll_init(loop_.get(), &stop_, request.stop_fd), "uv_poll_init of the stop descriptor");
  check(uv_poll_start(&stop_, UV_READABLE, on_stop), "uv_poll_start of the stop descriptor");
}

EchoLoop::~EchoLoop() { close_all(); }

ServeReport EchoLoop::run() {
  loop_.run();
  return {.connections = accepted_, .counters = {{"full_send_buffers", full_send_buffers_}}};
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

ServeReport serve_on_a_loop_each(const ServeRequest& request) {
  std::signal(SIGPIPE, SIG_IGN);  // libuv writes with write(2) and leaves this to the program
  const auto loops = peer_kit::loops_on_one_port<EchoLoop>(request);
  if (request.on_ready) request.on_ready(loops.front()->port());
  return peer_kit::run_on_a_thread_each(loops);
}

}  // namespace reactorlab::libuv_peer
