#pragma once

#include "core/address.hpp"
#include "core/sys.hpp"
#include "core/types.hpp"

namespace reactorlab {

/// A socket's options by name. Results are 0 or -errno.
class SocketOptions {
 public:
  explicit SocketOptions(int fd) noexcept : fd_{fd} {}

  IoResult set_nodelay(bool on) const noexcept;
  /// Closing with `on` and 0 seconds sends a reset.
  IoResult set_linger(bool on, int seconds) const noexcept;
  /// The kernel doubles the bytes, for its own needs, and has a minimum and a maximum.
  IoResult set_send_buffer(int bytes) const noexcept;
  IoResult set_receive_buffer(int bytes) const noexcept;
  /// Without it, sending to a broadcast address is refused with -EACCES.
  IoResult set_broadcast(bool on) const noexcept;
  /// SO_ERROR as 0 or -errno; reading it clears it.
  IoResult take_error() const noexcept;

  /// As the kernel has it, or an empty address if there is none (or no socket).
  template <class Address = SocketAddress>
  Address local_address() const noexcept {
    return named_by<Address>(sys::getsockname);
  }
  template <class Address = SocketAddress>
  Address peer_address() const noexcept {
    return named_by<Address>(sys::getpeername);
  }

 private:
  template <class T>
  IoResult set(int level, int name, const T& value) const noexcept {
    return sys::setsockopt(fd_, level, name, &value, sizeof value);
  }
  template <class Address>
  Address named_by(long (*call)(int, sockaddr*, socklen_t*) noexcept) const noexcept {
    Address address;
    socklen_t size = Address::capacity();
    if (call(fd_, address.data(), &size) < 0) return Address{};
    address.resize(size);
    return address;
  }
  int fd_;
};

}  // namespace reactorlab
