#pragma once
// The leaf operations of a datagram socket. One await is one datagram; an empty one is data, there is no end.

#include <algorithm>
#include <cstddef>
#include <span>

#include "core/completions.hpp"
#include "core/leaf.hpp"
#include "core/send_operation.hpp"
#include "core/sys.hpp"

namespace reactorlab {

/// What a receive brought. Whatever of a datagram didn't fit into the buffer is lost.
struct Received {
  IoResult result;       ///< bytes in the buffer (0: an empty datagram), or -errno
  std::size_t size = 0;  ///< of the datagram as it was sent

  explicit operator bool() const noexcept { return result.ok(); }
  bool truncated() const noexcept { return result.ok() && size > result.count(); }
};

template <class Address>
struct ReceivedFrom : Received {
  Address from;  ///< the sender; of Unix sockets it may be unnamed
};

/// -> Result: Received or ReceivedFrom
template <class Socket, class Result>
class ReceiveOperation : public Leaf<ReceiveOperation<Socket, Result>, Socket, Direction::read> {
 public:
  ReceiveOperation(TaskHeader& task, Socket* socket, std::span<std::byte> into) noexcept
      : Leaf<ReceiveOperation, Socket, Direction::read>{task, *socket}, into_{into} {
    this->begin(!mutated(Mutant::first_attempt_omitted) && attempt());
  }
  Result await_resume() const noexcept {
    this->resumed();
    return received_;
  }

  bool attempt() noexcept {
    long n;
    do n = receive();
    while (n == -EINTR);
    if (n == -EAGAIN && !mutated(Mutant::wouldblock_surfaces)) return false;
    if (n == 0 && mutated(Mutant::empty_datagram_is_an_end)) n = -EPIPE;
    if (n < 0) {
      received_.result = n;
    } else {
      received_.size = static_cast<std::size_t>(n);
      received_.result = static_cast<long>(std::min(received_.size, into_.size()));
    }
    return true;
  }
  void settle(IoResult error) noexcept { received_.result = error; }

 private:
  long receive() noexcept {
    if constexpr (requires { received_.from; }) {
      socklen_t size = received_.from.capacity();
      const long n = receive(received_.from.data(), &size);
      if (n >= 0) received_.from.resize(size);
      return n;
    } else {
      return receive(nullptr, nullptr);
    }
  }
  long receive(sockaddr* name, socklen_t* name_size) noexcept {
    if (Completions* const ring = this->source().completions()) [[unlikely]]
      return ring->receive_from(this->source().slot(), into_, name, name_size);
    return sys::recvfrom(this->source().fd(), into_.data(), into_.size(), MSG_TRUNC, name, name_size);
  }

  std::span<std::byte> into_;
  Result received_;
};

/// To anybody. Parks only if the kernel will say when there is room again, else -EAGAIN is the result: see the kinds of sockets.
template <class Socket>
class SendToOperation : public Leaf<SendToOperation<Socket>, Socket, Direction::write> {
 public:
  using Address = typename Socket::Address;

  SendToOperation(TaskHeader& task, Socket* socket, std::span<const std::byte> bytes, const Address& peer) noexcept
      : Leaf<SendToOperation, Socket, Direction::write>{task, *socket}, bytes_{bytes}, peer_{peer} {
    this->begin(attempt());
  }
  IoResult await_resume() const noexcept {
    this->resumed();
    return result_;
  }

  bool attempt() noexcept {
    bool was_writable = false;
    for (;;) {
      const int fd = this->source().fd();
      const long n = send();
      if (n == -EINTR) continue;
      if (n == -EAGAIN) {
        if (Socket::Kind::tells_of_room(fd)) return false;
        // Its own buffer may have drained between the two calls: only what is refused twice is the peer's doing.
        if (!std::exchange(was_writable, true)) continue;
      }
      result_ = n;
      return true;
    }
  }
  void settle(IoResult error) noexcept { result_ = error; }

 private:
  long send() noexcept {
    if (Completions* const ring = this->source().completions()) [[unlikely]]
      return ring->send(this->source().slot(), this->task(), bytes_,
                        {reinterpret_cast<const std::byte*>(peer_.data()), peer_.size()});
    return sys::sendto(this->source().fd(), bytes_.data(), bytes_.size(), peer_.data(), peer_.size());
  }

  std::span<const std::byte> bytes_;
  Address peer_;
  IoResult result_;
};

}  // namespace reactorlab
