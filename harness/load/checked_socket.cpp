#include "harness/load/checked_socket.hpp"

#include "harness/inline_syscall.hpp"
#include "harness/load/socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

namespace reactorlab::load {

CheckedSocket::CheckedSocket(int fd, std::size_t number, const Pattern& pattern)
    : fd_(fd), number_(number), send_position_(pattern.start_of(number)), receive_position_(send_position_) {}

CheckedSocket::CheckedSocket(CheckedSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      number_(other.number_),
      send_position_(other.send_position_),
      receive_position_(other.receive_position_),
      admitted_(other.admitted_),
      sent_(other.sent_),
      received_(other.received_) {}

CheckedSocket::~CheckedSocket() {
  if (fd_ >= 0) ::close(fd_);
}

bool CheckedSocket::send_admitted(Stream& stream) {
  while (sent_ < admitted_) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(admitted_ - sent_, Pattern::kRun));
    const long sent = inline_sys::send(fd_, stream.pattern.at(send_position_), size);
    if (sent == -EAGAIN) return true;  // an edge for writing follows
    if (sent < 0) {
      fail(stream, "sending failed: " + socket_error_text(static_cast<int>(-sent)));
      return false;
    }
    sent_ += static_cast<std::uint64_t>(sent);
    send_position_ = Pattern::advance(send_position_, static_cast<std::size_t>(sent));
  }
  return true;
}

std::optional<std::size_t> CheckedSocket::receive(Stream& stream) {
  const long received = inline_sys::recv(fd_, stream.buffer.data(), Pattern::kRun);
  if (received == -EAGAIN) return 0;
  if (received <= 0) {
    fail(stream, received == 0 ? fmt::format("the server closed it after {} of {} sent bytes", received_, sent_)
                               : "receiving failed: " + socket_error_text(static_cast<int>(-received)));
    return std::nullopt;
  }
  const auto size = static_cast<std::size_t>(received);
  if (!verify(stream, size)) return std::nullopt;
  received_ += size;
  receive_position_ = Pattern::advance(receive_position_, size);
  stream.bytes += size;
  return size;
}

bool CheckedSocket::verify(Stream& stream, std::size_t size) {
  if (received_ + size > sent_) [[unlikely]] {
    fail(stream, fmt::format("the server sent {} bytes more than it got", received_ + size - sent_));
    return false;
  }
  const char* expected = stream.pattern.at(receive_position_);
  const char* actual = stream.buffer.data();
  if (std::memcmp(actual, expected, size) == 0) [[likely]]
    return true;
  const auto at = static_cast<std::size_t>(std::mismatch(actual, actual + size, expected).first - actual);
  fail(stream, fmt::format("byte {} came back as {:#04x}, sent was {:#04x}", received_ + at, static_cast<unsigned char>(actual[at]),
                           static_cast<unsigned char>(expected[at])));
  return false;
}

[[gnu::cold, gnu::noinline]] void CheckedSocket::fail(Stream& stream, std::string_view what) const {
  stream.error = fmt::format("connection {}: {}", number_, what);
}

}  // namespace reactorlab::load
