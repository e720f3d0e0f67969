#include "impls/libuv/dedicated_loop.hpp"

#include "harness/scenarios/work.hpp"

namespace reactorlab::libuv_peer {
namespace {

/// Of a connection. With so many on their way it isn't read: its peer decides how much it holds.
constexpr unsigned kInFlight = 4;

}  // namespace

// --- worker ---

Worker::Worker(Inbox& answers) : answers_(answers), loop_(this) {
  inbox_.open(loop_.get(), this, on_ring);
  thread_ = std::jthread([this] { loop_.run(); });
}

Worker::~Worker() { inbox_.close(); }

/// Here a server does its work; the answer to an echo is what came. What is no request gets one all the same, which the client sees.
void Worker::on_ring(uv_async_t* bell) {
  auto& self = *static_cast<Worker*>(bell->data);
  self.inbox_.take(self.taken_);
  for (const Job* job : self.taken_) (void)work::do_requested_if_any(job->bytes.get(), job->size);
  if (!self.taken_.empty()) self.answers_.post(self.taken_);
  if (self.inbox_.closed()) uv_close(self.inbox_.bell(), nullptr);  // then run() ends
}

// --- loop ---

DedicatedLoop::DedicatedLoop(const ServeRequest& request)
    : chunk_(request.read_chunk), worker_count_(request.workers), loop_(this) {
  answers_.open(loop_.get(), this, on_answers);
  listen_on_loopback(loop_.get(), &listener_, request, false, on_connection);
  uv_check_init(loop_.get(), &iteration_);
  uv_check_start(&iteration_, on_iteration);
  if (request.stop_fd >= 0) {
    check(uv_poll_init(loop_.get(), &stop_, request.stop_fd), "uv_poll_init of the stop descriptor");
    check(uv_poll_start(&stop_, UV_READABLE, [](uv_poll_t* watch, int, int) { of(handle_of(watch)).close_all(); }),
          "uv_poll_start of the stop descriptor");
  }
  while (workers_.size() < worker_count_) workers_.push_back(std::make_unique<Worker>(answers_));
}

DedicatedLoop::~DedicatedLoop() {
  close_all();
  loop_.run();
}

ServeReport DedicatedLoop::run() {
  loop_.run();
  return {.connections = accepted_, .counters = {{"full_send_buffers", full_send_buffers_}, {"hand_overs", hand_overs_}}};
}

void DedicatedLoop::on_connection(uv_stream_t* listener, int status) {
  if (status < 0) return;  // that client gave up; out of descriptors, libuv itself closes whoever waits
  DedicatedLoop& self = of(handle_of(listener));
  auto* connection = new Connection{};
  uv_tcp_init(self.loop_.get(), &connection->handle);
  if (uv_accept(listener, stream_of(&connection->handle)) < 0) return self.close(*connection);
  connection->worker = self.workers_[self.accepted_++ % self.worker_count_].get();
  self.start(*connection);
}

void DedicatedLoop::start(Connection& connection) {
  connection.reading = true;
  uv_read_start(stream_of(&connection.handle), on_alloc, on_read);
}

/// Asked right before each read, so the job is offered again if nothing comes.
Job& DedicatedLoop::next_job() {
  if (free_jobs_.empty()) {
    jobs_.push_back(std::make_unique<Job>());
    jobs_.back()->bytes = std::make_unique_for_overwrite<char[]>(chunk_);
    free_jobs_.push_back(jobs_.back().get());
  }
  return *free_jobs_.back();
}

void DedicatedLoop::on_alloc(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
  DedicatedLoop& self = of(handle);
  *buffer = uv_buf_init(self.next_job().bytes.get(), static_cast<unsigned>(self.chunk_));
}

void DedicatedLoop::on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
  if (size == 0) return;  // would block
  DedicatedLoop& self = of(handle_of(stream));
  Connection& connection = connection_of(stream);
  if (size < 0) {
    if (size != UV_EOF || connection.in_flight == 0) return self.close(connection);
    connection.ended = true;
    uv_read_stop(stream);
    return;
  }
  Job& job = *self.free_jobs_.back();
  self.free_jobs_.pop_back();
  job.connection = &connection;
  job.size = static_cast<std::size_t>(size);
  connection.worker->handed_over.push_back(&job);
  if (++connection.in_flight < kInFlight) return;
  connection.reading = false;
  uv_read_stop(stream);
}

/// What was read in one iteration goes in one batch: one lock, one ring.
void DedicatedLoop::on_iteration(uv_check_t* check) {
  DedicatedLoop& self = of(handle_of(check));
  for (const auto& worker : self.workers_) {
    if (worker->handed_over.empty()) continue;
    ++self.hand_overs_;
    worker->inbox().post(worker->handed_over);
  }
}

void DedicatedLoop::on_answers(uv_async_t* bell) {
  auto& self = *static_cast<DedicatedLoop*>(bell->data);
  self.answers_.take(self.answers_taken_);
  for (Job* job : self.answers_taken_) self.write(*job);
  self.answers_taken_.clear();
}

void DedicatedLoop::write(Job& job) {
  Connection& connection = *job.connection;
  if (uv_is_closing(handle_of(&connection)) != 0) return done(job);
  uv_stream_t* stream = stream_of(&connection.handle);
  uv_buf_t buffer = uv_buf_init(job.bytes.get(), static_cast<unsigned>(job.size));
  const int written = uv_try_write(stream, &buffer, 1);
  if (written >= 0 && static_cast<std::size_t>(written) == job.size) return done(job);
  if (written >= 0 || written == UV_EAGAIN) {  // full, or others wait before it
    ++full_send_buffers_;
    const int taken = written < 0 ? 0 : written;
    buffer = uv_buf_init(buffer.base + taken, buffer.len - static_cast<unsigned>(taken));
    job.write.data = &job;
    if (uv_write(&job.write, stream, &buffer, 1, on_written) == 0) return;
  }
  close(connection);
  done(job);
}

void DedicatedLoop::on_written(uv_write_t* request, int status) {
  DedicatedLoop& self = of(handle_of(request->handle));
  if (status < 0) self.close(connection_of(request->handle));
  self.done(*static_cast<Job*>(request->data));
}

/// The job is free again, and its connection goes on.
void DedicatedLoop::done(Job& job) {
  Connection& connection = *job.connection;
  free_jobs_.push_back(&job);
  --connection.in_flight;
  if (connection.closed) return release(connection);
  if (uv_is_closing(handle_of(&connection)) != 0) return;
  if (connection.ended && connection.in_flight == 0) return close(connection);
  if (!connection.reading && !connection.ended) start(connection);
}

void DedicatedLoop::close(Connection& connection) {
  if (uv_is_closing(handle_of(&connection)) != 0) return;
  uv_close(handle_of(&connection), [](uv_handle_t* closed) {
    Connection& self = connection_of(closed);
    self.closed = true;
    of(closed).release(self);
  });
}

/// Its jobs name it until they are back; after the stop nobody looks at them any more.
void DedicatedLoop::release(Connection& connection) {
  if (connection.in_flight == 0 || stopping_) delete &connection;
}

/// No handle, no loop: run() ends when the last one is closed. Safe to repeat.
void DedicatedLoop::close_all() {
  stopping_ = true;
  workers_.clear();
  uv_walk(
      loop_.get(),
      [](uv_handle_t* handle, void* self_pointer) {
        if (uv_is_closing(handle) != 0) return;
        auto& self = *static_cast<DedicatedLoop*>(self_pointer);
        const void* const own[] = {&self.listener_, &self.stop_, &self.iteration_, self.answers_.bell()};
        for (const void* one : own)
          if (handle == one) return uv_close(handle, nullptr);
        self.close(connection_of(handle));
      },
      this);
}

}  // namespace reactorlab::libuv_peer
