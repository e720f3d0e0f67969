#pragma once
// Places to connect to: addresses that no other process uses, one where nobody answers, one where nobody listens.

#include <unistd.h>

#include <string>

#include "core/reactorlab.hpp"
#include "harness/conformance/real_objects.hpp"

namespace reactorlab::conformance {

/// An address of the loopback that is this process's own, so that a port may be given up and taken again. The kernel chooses ports.
inline SocketAddress own_loopback() {
  const int id = ::getpid();
  return SocketAddress::parse("127.77." + std::to_string(id >> 8 & 255) + "." + std::to_string(id & 255) + ":0");
}

inline SocketAddress address_of(const Listening& listening) { return SocketAddress::loopback(ntohs(listening.address.sin_port)); }

/// Of a socket of the test's own: asked past the seam.
template <class Address>
Address bound_address(int fd) {
  Address address;
  socklen_t size = Address::capacity();
  checked(::getsockname(fd, address.data(), &size), "getsockname");
  address.resize(size);
  return address;
}

/// Returns when poll(2) reports one of these events, or an error.
inline void wait_for(int fd, short events) {
  pollfd entry{fd, events, 0};
  checked(::poll(&entry, 1, -1), "poll");
}

/// A port that refuses connections, and goes on to: it is bound, so nobody else can get it, but nobody listens.
class RefusingPort {
 public:
  RefusingPort() {
    const SocketAddress any = own_loopback();
    checked(::bind(fd_.get(), any.data(), any.size()), "bind");
  }
  SocketAddress address() const { return bound_address<SocketAddress>(fd_.get()); }
  /// From now on it doesn't.
  void listen() const { checked(::listen(fd_.get(), 8), "listen"); }

 private:
  Fd fd_{checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
};

/// A listener that doesn't answer: its queue of one is full, so the kernel drops whatever asks for a connection.
class SilentPort {
 public:
  SilentPort() : queued_{connect_to(listening_.address)} { wait_for(listening_.fd.get(), POLLIN); }
  SocketAddress address() const { return address_of(listening_); }

 private:
  Listening listening_ = listening(0);
  Fd queued_;
};

}  // namespace reactorlab::conformance
