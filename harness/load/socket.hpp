#pragma once

#include <string>

#include <netinet/in.h>

namespace reactorlab::load {

enum class Ending {
  Orderly,  ///< FIN: whoever closes first keeps the port in TIME_WAIT for a minute
  Reset,    ///< RST, by SO_LINGER 0: nothing is left behind at either end
};

struct Dialled {
  int fd = -1;             ///< non-blocking, TCP_NODELAY; -1 after an error
  std::string error = {};  ///< with its remedy where there is one
};

/// Starts to connect and doesn't wait: over loopback the handshake is over when this returns, unless the listener's
/// queue is full, and then the socket becomes writable later. Throws std::system_error where there is no socket.
[[nodiscard]] Dialled dial(const sockaddr_in& endpoint, Ending ending);

/// A TCP socket that is connected to itself (RFC 9293 3.5, a simultaneous open): what is sent comes back, with nobody behind it. It
/// ends by a reset.
[[nodiscard]] Dialled dial_itself();

/// Of a Unix stream socket: connected when this returns, unless the listener's queue is full, which is an error.
[[nodiscard]] Dialled dial_unix(const std::string& path);

/// A datagram socket that sends there and receives from there only.
[[nodiscard]] Dialled dial_udp(const sockaddr_in& endpoint);

/// What the kernel calls it, and what to do about it where a user can do something.
[[nodiscard]] std::string socket_error_text(int error);

}  // namespace reactorlab::load
