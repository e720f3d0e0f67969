#pragma once
// TCP listener and stream over any runtime. TcpStream and TcpListener are the virtual forms; with a concrete runtime type the same
// source is static all the way down.

#include <netinet/tcp.h>

#include "core/address.hpp"
#include "core/error.hpp"
#include "core/fd.hpp"
#include "core/outcome.hpp"
#include "core/runtime.hpp"
#include "core/socket_options.hpp"
#include "core/source.hpp"
#include "core/tcp_operations.hpp"

namespace reactorlab {

/// Move-only; not while an operation on it is parked. Closing or destroying it ends what is parked on it with -EBADF.
/// One reader and one writer at a time each see their bytes in order; more may wait, and one of them gets what comes.
template <class Rt>
class BasicTcpStream {
 public:
  using Ref = typename Rt::Ref;

  explicit BasicTcpStream(Ref ref) noexcept : source_{std::move(ref)} {}

  /// -> Outcome<BasicTcpStream>. Success means established: SO_ERROR has been looked at.
  static Task<Outcome<BasicTcpStream>> connect(Rt& runtime, SocketAddress peer) { return connect(runtime.ref(), peer); }
  static Task<Outcome<BasicTcpStream>> connect(Ref ref, SocketAddress peer);

  /// Takes over a connected, non-blocking socket. After an error `fd` is still the caller's.
  static Outcome<BasicTcpStream> adopt(Ref ref, int fd) {
    BasicTcpStream stream{std::move(ref)};
    if (const IoResult opened = stream.source_.open(fd, SourceKind::stream, Interest::read, FdFate::close); !opened) return opened;
    return stream;
  }

  // --- operations: co_await them --------------------------------------------------------------------------------------------

  auto read_lease() noexcept { return Request<ReadLeaseOperation<BasicTcpStream>, BasicTcpStream*>{this}; }
  auto read(std::span<std::byte> into) noexcept { return read_with(into, 0); }
  /// Leaves the bytes where they are.
  auto peek(std::span<std::byte> into) noexcept { return read_with(into, MSG_PEEK); }
  auto write_all(std::span<const std::byte> bytes) noexcept {
    return Request<WriteAllOperation<BasicTcpStream>, BasicTcpStream*, std::span<const std::byte>>{this, bytes};
  }
  auto write_all(const Lease& lease) noexcept { return write_all(lease.bytes()); }
  auto write_vector(std::span<iovec> parts) noexcept {
    return Request<WriteVectorOperation<BasicTcpStream>, BasicTcpStream*, std::span<iovec>>{this, parts};
  }

  // --- at once --------------------------------------------------------------------------------------------------------------

  /// Half-close: the peer reads the end of the stream, we can still read.
  IoResult shutdown_write() noexcept { return sys::shutdown(fd(), SHUT_WR); }
  void close() noexcept {
    source_.close();
    drain_.reset();
  }
  SocketOptions options() const noexcept { return SocketOptions{fd()}; }

  // --- for leaf operations --------------------------------------------------------------------------------------------------

  int fd() const noexcept { return source_.fd(); }
  bool is_open() const noexcept { return source_.is_open(); }
  Registration& slot() const noexcept { return source_.slot(); }
  template <Direction d>
  [[gnu::always_inline]] Armed arm(TaskHeader& task, std::uint64_t& identity) noexcept {
    if constexpr (d == Direction::read) return source_.arm_registered(d, task, identity);
    return source_.arm(d, task, identity);
  }
  bool is_parked(Direction d, const TaskHeader& task) const noexcept { return source_.is_parked(d, task); }
  void disarm(Registration& slot, Direction d, std::uint64_t identity, const TaskHeader& task) const noexcept {
    source_.disarm(slot, d, identity, task);
  }
  [[gnu::always_inline]] bool known_empty(const TaskHeader& task) noexcept { return drain_.known_empty(task); }
  void note_read(std::size_t read, std::size_t asked) noexcept { drain_.note(read, asked); }
  void abandoned() noexcept { drain_.forget(); }

 private:
  class ConnectOperation;

  auto read_with(std::span<std::byte> into, int flags) noexcept {
    return Request<ReadOperation<BasicTcpStream>, BasicTcpStream*, std::span<std::byte>, int>{this, into, flags};
  }

  Source<Ref> source_;
  DrainMemory<Ref::confined> drain_;
};

/// Waits until a connect that is under way has been decided. -> IoResult 0 or -errno
template <class Rt>
class BasicTcpStream<Rt>::ConnectOperation : public Leaf<ConnectOperation, BasicTcpStream, Direction::write> {
 public:
  ConnectOperation(TaskHeader& task, BasicTcpStream* stream) noexcept
      : Leaf<ConnectOperation, BasicTcpStream, Direction::write>{task, *stream} {
    this->begin(attempt());
  }
  IoResult await_resume() const noexcept { return result_; }
  bool attempt() noexcept {
    // Writable, or failed, or neither yet: an edge alone says nothing.
    pollfd state{this->source().fd(), POLLOUT, 0};
    if (sys::poll_now(&state) <= 0) return false;
    result_ = this->source().options().take_error();
    return true;
  }
  void settle(IoResult error) noexcept { result_ = error; }

 private:
  IoResult result_;
};

template <class Rt>
Task<Outcome<BasicTcpStream<Rt>>> BasicTcpStream<Rt>::connect(Ref ref, SocketAddress peer) {
  const long fd = sys::socket(peer.family(), SOCK_STREAM);
  if (fd < 0) co_return IoResult{fd};
  UniqueFd owned{static_cast<int>(fd)};
  long started;
  do started = sys::connect(owned.get(), peer.data(), peer.size());
  while (started == -EINTR);
  if (started < 0 && started != -EINPROGRESS && started != -EALREADY && started != -EISCONN) co_return IoResult{started};

  BasicTcpStream stream{std::move(ref)};
  const IoResult opened = stream.source_.open(owned.get(), SourceKind::stream, Interest::both, FdFate::close);
  if (!opened) co_return opened;
  (void)owned.release();
  if (started == -EINPROGRESS || started == -EALREADY) {
    const IoResult connected = co_await Request<ConnectOperation, BasicTcpStream*>{&stream};
    if (!connected) co_return connected;
  }
  co_return std::move(stream);
}

/// Accepting ends with -ESHUTDOWN as soon as its runtime's shutdown begins.
template <class Rt>
class BasicTcpListener {
 public:
  using Ref = typename Rt::Ref;
  struct Options {
    int backlog = 4096;
    bool reuse_port = false;  ///< several listeners share the port; the kernel spreads connections
  };

  /// Throws std::system_error with cause and remedy (port in use, no permission, no descriptors).
  static BasicTcpListener bind(Rt& runtime, SocketAddress local) { return bind(runtime, local, Options{}); }
  static BasicTcpListener bind(Rt& runtime, SocketAddress local, Options options) {
    BasicTcpListener listener{runtime.ref()};
    UniqueFd fd = listening_socket(local, options.backlog, options.reuse_port);
    const IoResult opened = listener.source_.open(fd.get(), SourceKind::listener, Interest::read, FdFate::close);
    if (!opened) throw_errno(opened.error(), "registering the listener on " + local.to_string());
    (void)fd.release();
    return listener;
  }

  /// co_await: Outcome<BasicTcpStream<Rt>>. TCP_NODELAY is set on the stream.
  auto accept() noexcept { return Request<AcceptOperation<BasicTcpListener>, BasicTcpListener*>{this}; }

  /// The address with the port that the kernel chose.
  SocketAddress local_address() const { return SocketOptions{fd()}.local_address(); }
  void close() noexcept { source_.close(); }

  // --- for leaf operations --------------------------------------------------------------------------------------------------

  void abandoned() noexcept {}
  /// `listener` is looked at only if a descriptor was accepted: it may be gone if its closing ended the operation.
  static Outcome<BasicTcpStream<Rt>> adopt(const BasicTcpListener* listener, IoResult accepted) {
    if (!accepted) return accepted;
    UniqueFd fd{static_cast<int>(accepted.value())};
    (void)SocketOptions{fd.get()}.set_nodelay(true);
    auto stream = BasicTcpStream<Rt>::adopt(listener->source_.ref(), fd.get());
    if (stream) (void)fd.release();
    return stream;
  }
  int fd() const noexcept { return source_.fd(); }
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
  explicit BasicTcpListener(Ref ref) noexcept : source_{std::move(ref)} {}
  Source<Ref> source_;
};

using TcpStream = BasicTcpStream<IRuntime>;
using TcpListener = BasicTcpListener<IRuntime>;

}  // namespace reactorlab
