#include "harness/load/connection.hpp"

#include <algorithm>

#include <time.h>

namespace reactorlab::load {

std::uint64_t now_ns() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

Connection::Connection(int fd, std::size_t number, const Stream& stream)
    : socket_(fd, number, stream.pattern), next_end_(stream.payload), admitted_at_(stream.pipeline) {}

bool Connection::start(Stream& stream, std::uint64_t now) {
  std::fill(admitted_at_.begin(), admitted_at_.end(), now);
  stream.admitted += stream.pipeline;
  socket_.admit(static_cast<std::uint64_t>(stream.payload) * stream.pipeline);
  return socket_.send_admitted(stream);
}

bool Connection::on_ready(Stream& stream, bool draining) {
  return receive(stream, draining) && (!socket_.sending() || socket_.send_admitted(stream));
}

bool Connection::receive(Stream& stream, bool draining) {
  for (;;) {
    const auto size = socket_.receive(stream);
    if (!size) return false;
    if (*size > 0) complete(stream, draining);
    if (*size < Pattern::kRun) return true;
  }
}

void Connection::complete(Stream& stream, bool draining) {
  if (socket_.received() < next_end_) return;
  const std::uint64_t now = now_ns();
  for (; socket_.received() >= next_end_; next_end_ += stream.payload) {
    ++stream.messages;
    if (stream.in_window) {
      ++stream.ops;
      stream.latency.record(now - admitted_at_[oldest_]);
    }
    admitted_at_[oldest_] = now;
    if (++oldest_ == stream.pipeline) oldest_ = 0;
    if (draining) continue;
    ++stream.admitted;
    socket_.admit(stream.payload);
  }
}

}  // namespace reactorlab::load
