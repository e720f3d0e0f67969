#include "harness/load/asking_connection.hpp"

#include "harness/inline_syscall.hpp"
#include "harness/load/socket.hpp"
#include "harness/scenarios/work.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

namespace reactorlab::load {

AskingConnection::AskingConnection(int fd, std::size_t number, const Stream& stream)
    : fd_(fd), number_(number), position_(stream.pattern.start_of(number)) {}

AskingConnection::AskingConnection(AskingConnection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      number_(other.number_),
      position_(other.position_),
      due_ns_(other.due_ns_),
      message_(std::move(other.message_)),
      sent_(other.sent_),
      received_(other.received_) {}

AskingConnection::~AskingConnection() {
  if (fd_ >= 0) ::close(fd_);
}

bool AskingConnection::ask(Stream& stream, std::uint32_t units, std::uint64_t due_ns) {
  due_ns_ = due_ns;
  stream.work_asked += units;
  const char* const bytes = stream.pattern.at(position_);
  message_.assign(bytes, bytes + stream.payload);
  position_ = Pattern::advance(position_, stream.payload);
  const work::Request request{.magic = work::kMagic, .units = units};
  std::memcpy(message_.data(), &request, sizeof request);
  sent_ = received_ = 0;
  return send_rest(stream);
}

bool AskingConnection::send_rest(Stream& stream) {
  while (sent_ < message_.size()) {
    const long sent = inline_sys::send(fd_, message_.data() + sent_, message_.size() - sent_);
    if (sent == -EAGAIN) return true;  // an edge for writing follows
    if (sent < 0) {
      fail(stream, "sending failed: " + socket_error_text(static_cast<int>(-sent)));
      return false;
    }
    sent_ += static_cast<std::size_t>(sent);
  }
  return true;
}

AskingConnection::Answer AskingConnection::on_ready(Stream& stream) {
  if (!send_rest(stream)) return Answer::Wrong;
  const long received = inline_sys::recv(fd_, stream.buffer.data(), stream.buffer.size());
  if (received == -EAGAIN) return Answer::None;
  if (received <= 0) {
    fail(stream, received == 0 ? "the server closed it" : "receiving failed: " + socket_error_text(static_cast<int>(-received)));
    return Answer::Wrong;
  }
  const auto size = static_cast<std::size_t>(received);
  if (size > sent_ - received_) {
    fail(stream, fmt::format("the server sent {} bytes more than it got", size - (sent_ - received_)));
    return Answer::Wrong;
  }
  const char* const expected = message_.data() + received_;
  if (const auto [got, wanted] = std::mismatch(stream.buffer.data(), stream.buffer.data() + size, expected);
      wanted != expected + size) {
    fail(stream, fmt::format("byte {} of a request came back as {:#04x}, sent was {:#04x}", wanted - message_.data(),
                             static_cast<unsigned char>(*got), static_cast<unsigned char>(*wanted)));
    return Answer::Wrong;
  }
  received_ += size;
  stream.bytes += size;
  if (!idle()) return Answer::None;
  ++stream.messages;
  return Answer::Whole;
}

void AskingConnection::fail(Stream& stream, std::string_view what) const {
  stream.error = fmt::format("connection {}: {}", number_, what);
}

}  // namespace reactorlab::load
