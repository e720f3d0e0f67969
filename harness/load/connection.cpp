#include "harness/load/connection.hpp"

#include "harness/inline_syscall.hpp"
#include "harness/load/socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

namespace reactorlab::load {

std::uint64_t now_ns() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

Connection::Connection(int fd, std::size_t number, const Stream& stream)
    : fd_(fd),
      number_(number),
      send_position_(stream.pattern.start_of(number)),
      receive_position_(send_position_),
      next_end_(stream.payload),
      admitted_at_(stream.pipeline) {}

Connection::Connection(Connection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      number_(other.number_),
      send_position_(other.send_position_),
      receive_position_(other.receive_position_),
      admitted_(other.admitted_),
      sent_(other.sent_),
      received_(other.received_),
      next_end_(other.next_end_),
      oldest_(other.oldest_),
      admitted_at_(std::move(other.admitted_at_)) {}

Connection::~Connection() {
  if (fd_ >= 0) ::close(fd_);
}

bool Connection::start(Stream& stream, std::uint64_t now) {
  std::fill(admitted_at_.begin(), admitted_at_.end(), now);
  admitted_ += static_cast<std::uint64_t>(stream.payload) * stream.pipeline;
  return send_admitted(stream);
}

bool Connection::on_ready(Stream& stream, bool draining) {
  return receive(stream, draining) && (sent_ == admitted_ || send_admitted(stream));
}

bool Connection::receive(Stream& stream, bool draining) {
  for (;;) {
    const long received = inline_sys::recv(fd_, stream.buffer.data(), Pattern::kRun);
    if (received == -EAGAIN) return true;
    if (received == 0) return fail(stream, fmt::format("the server closed it after {} of {} sent bytes", received_, sent_));
    if (received < 0) return fail(stream, "receiving failed: " + socket_error_text(static_cast<int>(-received)));
    const auto size = static_cast<std::size_t>(received);
    if (!verify(stream, size)) return false;
    complete(stream, size, draining);
    if (size < Pattern::kRun) return true;
  }
}

bool Connection::verify(Stream& stream, std::size_t size) {
  if (received_ + size > sent_) [[unlikely]]
    return fail(stream, fmt::format("the server sent {} bytes more than it got", received_ + size - sent_));
  const char* expected = stream.pattern.at(receive_position_);
  const char* actual = stream.buffer.data();
  if (std::memcmp(actual, expected, size) == 0) [[likely]]
    return true;
  const auto at = static_cast<std::size_t>(std::mismatch(actual, actual + size, expected).first - actual);
  return fail(stream, fmt::format("byte {} came back as {:#04x}, sent was {:#04x}", received_ + at,
                                  static_cast<unsigned char>(actual[at]), static_cast<unsigned char>(expected[at])));
}

void Connection::complete(Stream& stream, std::size_t size, bool draining) {
  received_ += size;
  receive_position_ = Pattern::advance(receive_position_, size);
  stream.bytes += size;
  if (received_ < next_end_) return;
  const std::uint64_t now = now_ns();
  for (; received_ >= next_end_; next_end_ += stream.payload) {
    ++stream.messages;
    if (stream.in_window) {
      ++stream.ops;
      stream.latency.record(now - admitted_at_[oldest_]);
    }
    admitted_at_[oldest_] = now;
    if (++oldest_ == stream.pipeline) oldest_ = 0;
    if (!draining) admitted_ += stream.payload;
  }
}

bool Connection::send_admitted(Stream& stream) {
  while (sent_ < admitted_) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(admitted_ - sent_, Pattern::kRun));
    const long sent = inline_sys::send(fd_, stream.pattern.at(send_position_), size);
    if (sent == -EAGAIN) return true;  // an edge for writing follows
    if (sent < 0) return fail(stream, "sending failed: " + socket_error_text(static_cast<int>(-sent)));
    sent_ += static_cast<std::uint64_t>(sent);
    send_position_ = Pattern::advance(send_position_, static_cast<std::size_t>(sent));
  }
  return true;
}

[[gnu::cold, gnu::noinline]] bool Connection::fail(Stream& stream, std::string_view what) {
  stream.error = fmt::format("connection {}: {}", number_, what);
  return false;
}

}  // namespace reactorlab::load
