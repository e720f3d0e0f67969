#pragma once

#include "harness/engine.hpp"
#include "impls/libuv/inbox.hpp"
#include "impls/libuv/listening.hpp"
#include "impls/libuv/loop.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace reactorlab::libuv_peer {

/// A thread with a loop of its own that answers what it gets.
class Worker {
 public:
  /// `answers` is where the answers go; it outlives the worker.
  explicit Worker(Inbox& answers);
  ~Worker();

  std::vector<Job*> handed_over;  ///< the other loop's: what it read in this iteration
  [[nodiscard]] Inbox& inbox() { return inbox_; }

 private:
  static void on_ring(uv_async_t* bell);

  Inbox& answers_;
  std::vector<Job*> taken_;
  Inbox inbox_;
  Loop loop_;
  std::jthread thread_;
};

struct Connection {
  uv_tcp_t handle;
  Worker* worker = nullptr;
  unsigned in_flight = 0;  ///< jobs that aren't written yet
  bool reading = true;
  bool ended = false;  ///< its peer sends no more; it is closed when everything is answered
  bool closed = false;
};

/// One uv_loop_t that accepts, reads and writes, and workers that do the rest. Constructing it binds and listens.
class DedicatedLoop {
 public:
  explicit DedicatedLoop(const ServeRequest& request);
  ~DedicatedLoop();
  DedicatedLoop(const DedicatedLoop&) = delete;
  DedicatedLoop& operator=(const DedicatedLoop&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_of(&listener_); }
  /// Until the stop descriptor is readable; then everything is closed.
  ServeReport run();

 private:
  static DedicatedLoop& of(const uv_handle_t* handle) { return *static_cast<DedicatedLoop*>(handle->loop->data); }
  static Connection& connection_of(void* handle) { return *static_cast<Connection*>(handle); }
  static void on_alloc(uv_handle_t* handle, std::size_t suggested, uv_buf_t* buffer);
  static void on_connection(uv_stream_t* listener, int status);
  static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer);
  static void on_iteration(uv_check_t* check);
  static void on_answers(uv_async_t* bell);
  static void on_written(uv_write_t* request, int status);

  void start(Connection& connection);
  void write(Job& job);
  void done(Job& job);
  void close(Connection& connection);
  void release(Connection& connection);
  void close_all();
  Job& next_job();

  const std::size_t chunk_;
  const unsigned worker_count_;
  std::vector<std::unique_ptr<Job>> jobs_;  ///< all that there are
  std::vector<Job*> free_jobs_;             ///< the last one is offered to the next read
  std::vector<Job*> answers_taken_;
  bool stopping_ = false;
  std::uint64_t accepted_ = 0, full_send_buffers_ = 0, hand_overs_ = 0;
  uv_tcp_t listener_;
  uv_poll_t stop_;
  uv_check_t iteration_;
  Inbox answers_;
  Loop loop_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace reactorlab::libuv_peer
