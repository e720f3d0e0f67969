#pragma once
// Sockets that are bound before a runtime knows them. Everything here throws std::system_error with cause and remedy.

#include <string>

#include "core/fd.hpp"
#include "core/sys.hpp"

namespace reactorlab {

struct BindOptions {
  bool reuse_address = false;  ///< TCP: connections that linger don't keep the port. UDP: several sockets may have the address
  bool reuse_port = false;     ///< several sockets share the address; the kernel spreads what comes
};

/// Non-blocking, not yet bound. `type` is SOCK_STREAM or SOCK_DGRAM.
UniqueFd new_socket(int family, int type, BindOptions options = {});
[[noreturn]] void refuse_bind(int error, int family, const std::string& local);
[[noreturn]] void refuse_listen(int error, const std::string& local);

template <class Address>
UniqueFd bound_socket(int type, const Address& local, BindOptions options = {}) {
  UniqueFd fd = new_socket(local.family(), type, options);
  const long bound = sys::bind(fd.get(), local.data(), local.size());
  if (bound < 0) {
    if (mutated(Mutant::failed_bind_leaks_fd)) (void)fd.release();
    refuse_bind(static_cast<int>(-bound), local.family(), local.to_string());
  }
  return fd;
}

template <class Address>
void start_listening(int fd, int backlog, const Address& local) {
  const long listening = sys::listen(fd, backlog);
  if (listening < 0) refuse_listen(static_cast<int>(-listening), local.to_string());
}

}  // namespace reactorlab
