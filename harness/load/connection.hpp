#pragma once

#include "harness/load/pattern.hpp"
#include "harness/measure/histogram.hpp"

#include <cstddef>
#include <cstdint>
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
  std::string error = {};
};

/// One closed-loop connection. Owns its socket. Its operations return false after they put an error's text into the
/// stream; the run is over then.
class Connection {
 public:
  Connection(int fd, std::size_t number, const Stream& stream);
  ~Connection();
  Connection(Connection&& other) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_; }

  /// Admits `pipeline` messages. REQUIRES: idle().
  [[nodiscard]] bool start(Stream& stream, std::uint64_t now_ns);

  /// Receives and checks what is there; admits a message for each that came back, unless `draining`.
  [[nodiscard]] bool on_ready(Stream& stream, bool draining);

  /// Something that was admitted couldn't be sent yet; an edge for writing follows.
  [[nodiscard]] bool sending() const noexcept { return sent_ < admitted_; }

  /// Every admitted message came back.
  [[nodiscard]] bool idle() const noexcept { return received_ == admitted_; }

 private:
  [[nodiscard]] bool receive(Stream& stream, bool draining);
  [[nodiscard]] bool send_admitted(Stream& stream);
  [[nodiscard]] bool verify(Stream& stream, std::size_t size);
  bool fail(Stream& stream, std::string_view what);
  void complete(Stream& stream, std::size_t size, bool draining);

  int fd_;
  std::size_t number_;
  std::size_t send_position_;
  std::size_t receive_position_;
  std::uint64_t admitted_ = 0;  ///< bytes that may be sent
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t next_end_;                  ///< received_ at which the oldest message is complete
  std::size_t oldest_ = 0;                  ///< its place in admitted_at_
  std::vector<std::uint64_t> admitted_at_;  ///< ring of `pipeline` time stamps
};

/// CLOCK_MONOTONIC.
[[nodiscard]] std::uint64_t now_ns() noexcept;

}  // namespace reactorlab::load
