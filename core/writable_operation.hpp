#pragma once

#include <poll.h>

#include "core/leaf.hpp"
#include "core/socket_options.hpp"
#include "core/sys.hpp"

namespace reactorlab {

/// Waits until a socket is writable or has failed: until a connect that is under way has been decided.
/// -> IoResult: 0, or SO_ERROR as -errno
template <class Socket>
class WritableOperation : public Leaf<WritableOperation<Socket>, Socket, Direction::write> {
 public:
  WritableOperation(TaskHeader& task, Socket* socket) noexcept : Leaf<WritableOperation, Socket, Direction::write>{task, *socket} {
    this->begin(attempt());
  }
  IoResult await_resume() const noexcept { return result_; }

  bool attempt() noexcept {
    // Writable, or failed, or neither yet: an edge alone says nothing.
    const int fd = this->source().fd();
    pollfd state{fd, POLLOUT, 0};
    long n;
    do n = sys::poll_now(&state);
    while (n == -EINTR);
    if (n == 0 || (n < 0 && mutated(Mutant::failed_look_waits))) {
      if (Completions* const ring = this->source().completions()) ring->await_writable(this->source().slot());
      return false;
    }
    if (n < 0) {
      result_ = n;
    } else {
      result_ = mutated(Mutant::connect_result_unchecked) ? IoResult{0} : SocketOptions{fd}.take_error();
    }
    return true;
  }
  void settle(IoResult error) noexcept { result_ = error; }

 private:
  IoResult result_;
};

}  // namespace reactorlab
