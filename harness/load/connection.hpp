#pragma once

#include "harness/load/checked_socket.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace reactorlab::load {

/// One closed-loop connection. Its operations return false after they put an error's text into the stream; the run is over
/// then.
class Connection {
 public:
  Connection(int fd, std::size_t number, const Stream& stream);

  /// Admits `pipeline` messages. REQUIRES: idle().
  [[nodiscard]] bool start(Stream& stream, std::uint64_t now_ns);

  /// Receives and checks what is there; admits a message for each that came back, unless `draining`.
  [[nodiscard]] bool on_ready(Stream& stream, bool draining);

  /// Something that was admitted couldn't be sent yet; an edge for writing follows.
  [[nodiscard]] bool sending() const noexcept { return socket_.sending(); }

  /// Every admitted message came back.
  [[nodiscard]] bool idle() const noexcept { return socket_.idle(); }

 private:
  [[nodiscard]] bool receive(Stream& stream, bool draining);
  void complete(Stream& stream, bool draining);

  CheckedSocket socket_;
  std::uint64_t next_end_;                  ///< of what is received: at which the oldest message is complete
  std::size_t oldest_ = 0;                  ///< its place in admitted_at_
  std::vector<std::uint64_t> admitted_at_;  ///< ring of `pipeline` time stamps
};

/// CLOCK_MONOTONIC.
[[nodiscard]] std::uint64_t now_ns() noexcept;

}  // namespace reactorlab::load
