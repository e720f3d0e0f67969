#pragma once

#include "core/address.hpp"
#include "core/fd.hpp"
#include "core/types.hpp"

namespace reactorlab {

/// A bound, listening, non-blocking TCP socket. Throws std::system_error with cause and remedy.
UniqueFd listening_socket(const SocketAddress& local, int backlog, bool reuse_port);

/// A socket's options by name. Results are 0 or -errno.
class SocketOptions {
 public:
  explicit SocketOptions(int fd) noexcept : fd_{fd} {}

  IoResult set_nodelay(bool on) const noexcept;
  /// Closing with `on` and 0 seconds sends a reset.
  IoResult set_linger(bool on, int seconds) const noexcept;
  IoResult set_send_buffer(int bytes) const noexcept;
  IoResult set_receive_buffer(int bytes) const noexcept;
  /// SO_ERROR as 0 or -errno; reading it clears it.
  IoResult take_error() const noexcept;
  SocketAddress local_address() const noexcept;
  SocketAddress peer_address() const noexcept;

 private:
  template <class T>
  IoResult set(int level, int name, const T& value) const noexcept {
    return sys::setsockopt(fd_, level, name, &value, sizeof value);
  }
  int fd_;
};

}  // namespace reactorlab
