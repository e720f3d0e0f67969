#pragma once
// A datagram socket over any runtime: what UDP and Unix datagrams have in common.

#include <concepts>

#include "core/datagram_operations.hpp"
#include "core/fd.hpp"
#include "core/handle.hpp"
#include "core/outcome.hpp"
#include "core/runtime.hpp"
#include "core/socket_options.hpp"

namespace reactorlab {

/// Connects a datagram socket, which sends nothing and never waits. 0 or -errno
template <class Address>
IoResult connect_now(int fd, const Address& peer) noexcept {
  long connected;
  do connected = sys::connect(fd, peer.data(), peer.size());
  while (connected == -EINTR);
  return connected;
}

/// How one kind of datagram socket differs from another.
template <class K>
concept DatagramKind = requires(int fd) {
  typename K::Address;
  { K::source } -> std::convertible_to<SourceKind>;
  /// After sendto(2) said EAGAIN: will an edge follow when there is room?
  { K::tells_of_room(fd) }
  noexcept->std::same_as<bool>;
};

/// Move-only; not while an operation on it is parked. Closing or destroying it ends what is parked on it with -EBADF.
/// Several tasks may receive and send; each datagram goes to one of them, whole.
///
/// An error that the network or a peer reports (-ECONNREFUSED) is the result of one operation, whichever comes first; the socket
/// goes on. There is no end: a peer that is gone is noticed by sending to it at the earliest.
template <class Rt, DatagramKind K>
class BasicDatagramSocket : public Handle<typename Rt::Ref> {
 public:
  using Ref = typename Rt::Ref;
  using Kind = K;
  using Address = typename K::Address;

  // --- operations: co_await them --------------------------------------------------------------------------------------------

  /// -> Received. An empty span is a wish, too: it takes a datagram out of the queue, and tells its size.
  auto recv(std::span<std::byte> into) noexcept { return receive<Received>(into); }
  /// -> ReceivedFrom<Address>
  auto recv_from(std::span<std::byte> into) noexcept { return receive<ReceivedFrom<Address>>(into); }
  /// -> IoResult: the size; -EMSGSIZE if it is too big, and nothing was sent. Needs connect() (-EDESTADDRREQ, -ENOTCONN).
  auto send(std::span<const std::byte> bytes) noexcept {
    return Request<SendOperation<BasicDatagramSocket>, BasicDatagramSocket*, std::span<const std::byte>>{this, bytes};
  }
  auto send_to(std::span<const std::byte> bytes, const Address& peer) noexcept {
    return Request<SendToOperation<BasicDatagramSocket>, BasicDatagramSocket*, std::span<const std::byte>, Address>{this, bytes,
                                                                                                                    peer};
  }

  // --- at once --------------------------------------------------------------------------------------------------------------

  /// From now on send() goes there, and only what comes from there is received. Nothing is sent; may be called again. 0 or -errno
  IoResult connect(const Address& peer) noexcept { return connect_now(this->fd(), peer); }
  void close() noexcept { this->source_.close(); }
  SocketOptions options() const noexcept { return SocketOptions{this->fd()}; }
  Address local_address() const noexcept { return options().template local_address<Address>(); }
  Address peer_address() const noexcept { return options().template peer_address<Address>(); }

 protected:
  explicit BasicDatagramSocket(Ref ref) noexcept : Handle<Ref>{std::move(ref)} {}

  /// Takes the descriptor if it could be registered. 0 or -errno
  IoResult open(UniqueFd& fd, Interest interest = Interest::read) noexcept {
    const IoResult opened = this->source_.open(fd.get(), K::source, interest, FdFate::close);
    if (opened) (void)fd.release();
    return opened;
  }

 private:
  template <class Result>
  auto receive(std::span<std::byte> into) noexcept {
    return Request<ReceiveOperation<BasicDatagramSocket, Result>, BasicDatagramSocket*, std::span<std::byte>>{this, into};
  }
};

}  // namespace reactorlab
