#pragma once

#include "harness/load/checked_socket.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace reactorlab::load {

/// A connection whose messages ask the server for work (scenarios/work.hpp): one in flight, every byte of its echo checked. Owns
/// the descriptor. After an error its text is in the stream, and the run is over.
class AskingConnection {
 public:
  enum class Answer { None, Whole, Wrong };

  AskingConnection(int fd, std::size_t number, const Stream& stream);
  ~AskingConnection();
  AskingConnection(AskingConnection&& other) noexcept;
  AskingConnection(const AskingConnection&) = delete;
  AskingConnection& operator=(const AskingConnection&) = delete;

  /// Sends a request of the stream's payload that is due since `due_ns`. REQUIRES: idle(). False after an error.
  [[nodiscard]] bool ask(Stream& stream, std::uint32_t units, std::uint64_t due_ns);

  /// Receives and checks what is there, and sends what couldn't be sent.
  [[nodiscard]] Answer on_ready(Stream& stream);

  [[nodiscard]] bool idle() const noexcept { return received_ == message_.size(); }
  [[nodiscard]] std::uint64_t due_ns() const noexcept { return due_ns_; }  ///< of the latest request

 private:
  [[nodiscard]] bool send_rest(Stream& stream);
  void fail(Stream& stream, std::string_view what) const;

  int fd_;
  std::size_t number_;
  std::size_t position_;  ///< of the next message in the pattern
  std::uint64_t due_ns_ = 0;
  std::vector<char> message_;  ///< the latest request
  std::size_t sent_ = 0, received_ = 0;
};

}  // namespace reactorlab::load
