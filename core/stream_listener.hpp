#pragma once
// What takes connections from a listening socket's queue, for TCP and Unix alike.

#include <utility>

#include "core/bound_socket.hpp"
#include "core/error.hpp"
#include "core/stream.hpp"

namespace reactorlab {

/// Takes one connection from the queue. -> Outcome<stream>, made by the listener
template <class Listener>
class AcceptOperation : public Leaf<AcceptOperation<Listener>, Listener, Direction::read> {
 public:
  AcceptOperation(TaskHeader& task, Listener* listener) noexcept
      : Leaf<AcceptOperation, Listener, Direction::read>{task, *listener} {
    this->begin(!mutated(Mutant::first_attempt_omitted) && !listener->refuses_newcomers() && attempt());
  }
  ~AcceptOperation() {
    if (accepted_) sys::close(static_cast<int>(accepted_.value()));  // nobody took it
  }
  auto await_resume() {
    this->resumed();
    const IoResult accepted = std::exchange(accepted_, IoResult{-ECANCELED});
    return Listener::adopt(accepted ? &this->source() : nullptr, accepted);
  }

  bool attempt() noexcept {
    for (;;) {
      Completions* const ring = this->source().completions();
      const long fd = ring ? ring->accept(this->source().slot()) : sys::accept(this->source().fd());
      if (fd == -EAGAIN && !mutated(Mutant::wouldblock_surfaces)) return false;
      // One connection's own bad luck mustn't end the listener (accept(2) asks to treat these like EAGAIN).
      const bool aborted = fd == -ECONNABORTED || fd == -EPROTO;
      if (fd == -EINTR || (aborted && !mutated(Mutant::aborted_connection_ends_accepting))) continue;
      if (fd == -EMFILE && mutated(Mutant::descriptor_shortage_waits)) return false;
      accepted_ = fd;
      return true;
    }
  }
  void settle(IoResult error) noexcept { accepted_ = error; }

 private:
  IoResult accepted_{-ECANCELED};
};

/// Accepting ends with -ESHUTDOWN as soon as its runtime's shutdown begins. How it is bound is said by the kinds.
template <class Rt, StreamKind Kind>
class BasicListener : public Handle<typename Rt::Ref> {
 public:
  using Ref = typename Rt::Ref;
  using Stream = BasicStream<Rt, Kind>;
  using Address = typename Kind::Address;

  /// co_await: Outcome<Stream>
  auto accept() noexcept { return Request<AcceptOperation<BasicListener>, BasicListener*>{this}; }

  /// Of TCP: with the port that the kernel chose.
  Address local_address() const noexcept { return SocketOptions{this->fd()}.template local_address<Address>(); }
  void close() noexcept { this->source_.close(); }

  // --- for leaf operations --------------------------------------------------------------------------------------------------

  /// Its runtime's shutdown has begun: what is in the queue stays there. Arming says why.
  bool refuses_newcomers() const noexcept {
    if (!this->is_open() || mutated(Mutant::newcomers_accepted_to_the_end)) return false;
    return (this->slot().word(Direction::read).load(relaxed) & readiness::shutdown) != 0;
  }

  /// `listener` is looked at only if a descriptor was accepted: it may be gone if its closing ended the operation.
  static Outcome<Stream> adopt(const BasicListener* listener, IoResult accepted) {
    if (!accepted) return accepted;
    UniqueFd fd{static_cast<int>(accepted.value())};
    auto stream = Stream::adopt(listener->source_.ref(), fd.get());
    if (stream) (void)fd.release();
    return stream;
  }

 protected:
  explicit BasicListener(Ref ref) noexcept : Handle<Ref>{std::move(ref)} {}

  /// A bound socket starts to listen. Throws std::system_error.
  void listen(UniqueFd fd, const Address& local, int backlog) {
    Kind::prepare_listener(fd.get());
    start_listening(fd.get(), backlog, local);
    const IoResult opened = this->source_.open(fd.get(), SourceKind::listener, Interest::read, FdFate::close);
    if (!opened) throw_errno(opened.error(), "registering the listener on " + local.to_string());
    (void)fd.release();
  }
};

}  // namespace reactorlab
