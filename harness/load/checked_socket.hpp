#pragma once

#include "harness/load/pattern.hpp"
#include "harness/measure/histogram.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reactorlab::load {

/// What all connections of a run share.
struct Stream {
  const Pattern& pattern;
  std::size_t payload;
  std::size_t pipeline;
  std::vector<char> buffer = std::vector<char>(Pattern::kRun);  ///< Pattern::kRun bytes to receive into
  measure::Histogram latency = {};
  bool in_window = false;
  std::uint64_t messages = 0;
  std::uint64_t ops = 0;
  std::uint64_t bytes = 0;
  std::uint64_t work_asked = 0;
  std::string error = {};
};

/// A socket whose every byte is checked: it sends its stream of the pattern as far as that was admitted, and compares what comes
/// back. Owns the descriptor. After an error its text is in the stream, and the run is over.
class CheckedSocket {
 public:
  CheckedSocket(int fd, std::size_t number, const Pattern& pattern);
  ~CheckedSocket();
  CheckedSocket(CheckedSocket&& other) noexcept;
  CheckedSocket(const CheckedSocket&) = delete;
  CheckedSocket& operator=(const CheckedSocket&) = delete;

  /// So many bytes more may be sent.
  void admit(std::uint64_t bytes) noexcept { admitted_ += bytes; }

  /// Sends what the kernel takes of what was admitted. False after an error.
  [[nodiscard]] bool send_admitted(Stream& stream);

  /// Receives once and checks it: the number of bytes, 0 where there is none; below Pattern::kRun means that no more is there.
  /// Nothing after an error.
  [[nodiscard]] std::optional<std::size_t> receive(Stream& stream);

  /// Something that was admitted couldn't be sent yet; an edge for writing follows.
  [[nodiscard]] bool sending() const noexcept { return sent_ < admitted_; }

  /// Everything that was admitted came back.
  [[nodiscard]] bool idle() const noexcept { return received_ == admitted_; }

  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }          ///< bytes
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }  ///< bytes

 private:
  [[nodiscard]] bool verify(Stream& stream, std::size_t size);
  void fail(Stream& stream, std::string_view what) const;

  int fd_;
  std::size_t number_;
  std::size_t send_position_;
  std::size_t receive_position_;
  std::uint64_t admitted_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace reactorlab::load
