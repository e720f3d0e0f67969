#pragma once
// Any pollable descriptor: pipes, eventfds, sockets of other libraries. Readiness here is always asked of the kernel (poll(2))
// before it is reported, so it has no memory that could be wrong: level semantics over an edge-triggered reactor.

#include <poll.h>

#include "core/error.hpp"
#include "core/leaf.hpp"
#include "core/runtime.hpp"
#include "core/source.hpp"

namespace reactorlab {

/// Makes a descriptor non-blocking, keeping its other flags. 0 or -errno.
IoResult make_nonblocking(int fd) noexcept;
/// True for sockets, whose writes can be told not to raise SIGPIPE.
bool is_socket(int fd) noexcept;

template <class Rt>
class BasicAsyncFd {
 public:
  using Ref = typename Rt::Ref;

  /// The descriptor stays the caller's, who must deregister it (close() here, or the destructor) before closing it.
  /// Dropped on another thread than a confined runtime's own, it is deregistered there later: open until a task of it has run.
  /// Throws std::system_error: EBADF, EPERM for what can't be polled (regular files), EEXIST if it is registered here already.
  static BasicAsyncFd borrow(Rt& runtime, int fd, Interest interest = Interest::read) {
    return BasicAsyncFd{runtime, fd, interest, FdFate::keep};
  }
  /// Closes the descriptor in the end. After a throw it is still the caller's.
  static BasicAsyncFd own(Rt& runtime, int fd, Interest interest = Interest::read) {
    return BasicAsyncFd{runtime, fd, interest, FdFate::close};
  }

  /// co_await: IoResult with what poll(2) says (POLLIN, POLLRDHUP, POLLHUP, POLLERR), as soon as it says something.
  auto readable() noexcept { return Request<ReadinessOperation<Direction::read>, BasicAsyncFd*>{this}; }
  auto writable() noexcept { return Request<ReadinessOperation<Direction::write>, BasicAsyncFd*>{this}; }
  /// co_await: read(2) and write(2) as soon as they don't block. A write may be short.
  auto read(std::span<std::byte> into) noexcept { return Request<ReadOperation, BasicAsyncFd*, std::span<std::byte>>{this, into}; }
  auto write(std::span<const std::byte> bytes) noexcept {
    return Request<WriteOperation, BasicAsyncFd*, std::span<const std::byte>>{this, bytes};
  }

  /// Complete on return: no event of this registration is delivered afterwards. Idempotent.
  void close() noexcept { source_.close(); }

  // --- for leaf operations --------------------------------------------------------------------------------------------------

  int fd() const noexcept { return source_.fd(); }
  void abandoned(Direction, const TaskHeader&) noexcept {}
  bool is_open() const noexcept { return source_.is_open(); }
  Registration& slot() const noexcept { return source_.slot(); }
  template <Direction d>
  Armed arm(TaskHeader& task, std::uint64_t& identity) noexcept {
    return source_.arm(d, task, identity);
  }
  bool is_parked(Direction d, const TaskHeader& task) const noexcept { return source_.is_parked(d, task); }
  void disarm(Registration& slot, Direction d, std::uint64_t identity, const TaskHeader& task) const noexcept {
    source_.disarm(slot, d, identity, task);
  }

 private:
  template <Direction direction>
  class ReadinessOperation;
  class ReadOperation;
  class WriteOperation;

  BasicAsyncFd(Rt& runtime, int fd, Interest interest, FdFate fate) : source_{runtime.ref()} {
    IoResult done = make_nonblocking(fd);
    if (done) done = source_.open(fd, SourceKind::descriptor, interest, fate);
    if (!done) throw_errno(done.error(), "registering descriptor " + std::to_string(fd), remedy_for(done.error()));
    socket_ = is_socket(fd);
  }
  static const char* remedy_for(int error) noexcept {
    return error == EPERM    ? "regular files and directories can't be polled; read them directly"
           : error == EEXIST ? "it is registered here already; use that handle, or dup() it"
           : error == EBADF  ? "it isn't open"
                             : "";
  }

  Source<Ref> source_;
  bool socket_ = false;
  bool mutant_drained_ = false;  // only ever set by a mutant; fits in the padding
};

template <class Rt>
template <Direction direction>
class BasicAsyncFd<Rt>::ReadinessOperation : public Leaf<ReadinessOperation<direction>, BasicAsyncFd, direction> {
 public:
  ReadinessOperation(TaskHeader& task, BasicAsyncFd* fd) noexcept
      : Leaf<ReadinessOperation<direction>, BasicAsyncFd, direction>{task, *fd} {
    this->begin(attempt());
  }
  IoResult await_resume() const noexcept { return result_; }
  bool attempt() noexcept {
    pollfd state{this->source().fd(), direction == Direction::read ? short{POLLIN | POLLRDHUP} : short{POLLOUT}, 0};
    if (state.fd < 0) {
      result_ = -EBADF;
      return true;
    }
    const long n = sys::poll_now(&state);
    if (n == 0) return false;
    result_ = n < 0 ? n : state.revents & POLLNVAL ? long{-EBADF} : long{state.revents};
    return true;
  }
  void settle(IoResult error) noexcept { result_ = error; }

 private:
  IoResult result_;
};

template <class Rt>
class BasicAsyncFd<Rt>::ReadOperation : public Leaf<ReadOperation, BasicAsyncFd, Direction::read> {
 public:
  ReadOperation(TaskHeader& task, BasicAsyncFd* fd, std::span<std::byte> into) noexcept
      : Leaf<ReadOperation, BasicAsyncFd, Direction::read>{task, *fd}, into_{into} {
    this->begin(!(mutated(Mutant::short_read_always_drained) && fd->mutant_drained_) && attempt());
  }
  IoResult await_resume() const noexcept { return result_; }
  bool attempt() noexcept {
    long n;
    do n = sys::read(this->source().fd(), into_.data(), into_.size());
    while (n == -EINTR);
    if (n == -EAGAIN) return false;
    if (mutated(Mutant::short_read_always_drained)) this->source().mutant_drained_ = n < static_cast<long>(into_.size());
    result_ = n;
    return true;
  }
  void settle(IoResult error) noexcept { result_ = error; }

 private:
  std::span<std::byte> into_;
  IoResult result_;
};

template <class Rt>
class BasicAsyncFd<Rt>::WriteOperation : public Leaf<WriteOperation, BasicAsyncFd, Direction::write> {
 public:
  WriteOperation(TaskHeader& task, BasicAsyncFd* fd, std::span<const std::byte> bytes) noexcept
      : Leaf<WriteOperation, BasicAsyncFd, Direction::write>{task, *fd}, bytes_{bytes} {
    this->begin(attempt());
  }
  IoResult await_resume() const noexcept { return result_; }
  bool attempt() noexcept {
    long n;
    do
      n = this->source().socket_ ? sys::send(this->source().fd(), bytes_.data(), bytes_.size())
                                 : sys::write_quietly(this->source().fd(), bytes_.data(), bytes_.size());
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

using AsyncFd = BasicAsyncFd<IRuntime>;

}  // namespace reactorlab
