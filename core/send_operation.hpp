#pragma once

#include <cstddef>
#include <span>

#include "core/leaf.hpp"
#include "core/sys.hpp"

namespace reactorlab {

/// One send to the connected peer, as soon as there is room: of a stream what fits, at least a byte; a datagram whole.
/// -> IoResult: bytes, or -errno
template <class Socket>
class SendOperation : public Leaf<SendOperation<Socket>, Socket, Direction::write> {
 public:
  SendOperation(TaskHeader& task, Socket* socket, std::span<const std::byte> bytes) noexcept
      : Leaf<SendOperation, Socket, Direction::write>{task, *socket}, bytes_{bytes} {
    this->begin(attempt());
  }
  IoResult await_resume() const noexcept {
    this->resumed();
    return result_;
  }

  bool attempt() noexcept {
    long n;
    do n = this->source().send_now(this->task(), bytes_);
    while (n == -EINTR);
    if (n == -EAGAIN) return false;
    result_ = n;
    return true;
  }
  void settle(IoResult error) noexcept { result_ = error; }

 private:
  std::span<const std::byte> bytes_;
  IoResult result_;
};

}  // namespace reactorlab
