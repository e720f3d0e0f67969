#pragma once
// A connected stream socket over any runtime: what TCP and Unix streams have in common, which is nearly all.

#include <concepts>
#include <utility>

#include "core/fd.hpp"
#include "core/handle.hpp"
#include "core/outcome.hpp"
#include "core/runtime.hpp"
#include "core/send_operation.hpp"
#include "core/socket_options.hpp"
#include "core/stream_reads.hpp"
#include "core/stream_writes.hpp"
#include "core/writable_operation.hpp"

namespace reactorlab {

/// How one kind of stream differs from another.
template <class K>
concept StreamKind = requires(int fd) {
  typename K::Address;
  typename K::template Drain<true>;  // what a short read means: stream_drain.hpp
  { K::prepare_listener(fd) } noexcept;
  { K::has_pairs } -> std::convertible_to<bool>;
};

/// Move-only; not while an operation on it is parked. Closing or destroying it ends what is parked on it with -EBADF.
/// One reader and one writer at a time each see their bytes in order; more may wait, and one of them gets what comes.
template <class Rt, StreamKind Kind>
class BasicStream : public Handle<typename Rt::Ref> {
 public:
  using Ref = typename Rt::Ref;
  using Address = typename Kind::Address;

  explicit BasicStream(Ref ref) noexcept : Handle<Ref>{std::move(ref)} {}

  /// -> Outcome<BasicStream>. Success means established: SO_ERROR has been looked at. A Unix listener whose queue is full gives
  /// -EAGAIN at once, since the kernel offers nothing to wait for: try later, or give the listener a longer queue.
  static Task<Outcome<BasicStream>> connect(Rt& runtime, Address peer) { return connect(runtime.ref(), peer); }
  static Task<Outcome<BasicStream>> connect(Ref ref, Address peer);

  /// Takes over a connected, non-blocking socket. After an error `fd` is still the caller's.
  static Outcome<BasicStream> adopt(Ref ref, int fd) {
    BasicStream stream{std::move(ref)};
    if (const IoResult opened = stream.open(fd, Interest::read); !opened) return opened;
    return stream;
  }

  /// Two streams, connected to each other.
  static Outcome<std::pair<BasicStream, BasicStream>> pair(Rt& runtime)
    requires(Kind::has_pairs);

  // --- operations: co_await them; bytes and parts stay the caller's, and in place, until the result is there ---------------------

  /// -> Lease: what is there, in a pooled buffer.
  auto read_lease() noexcept { return ReadLeaseOperation<BasicStream>{*this}; }
  /// -> IoResult: bytes, as many as are there and fit; 0 at the end of the stream.
  auto read(std::span<std::byte> into) noexcept { return read_with(into, 0); }
  /// Leaves the bytes where they are.
  auto peek(std::span<std::byte> into) noexcept { return read_with(into, MSG_PEEK); }
  /// -> IoResult: bytes, as many as there is room for, at least one; 0 if there are none to write.
  auto write(std::span<const std::byte> bytes) noexcept {
    return Request<SendOperation<BasicStream>, BasicStream*, std::span<const std::byte>>{this, bytes};
  }
  /// -> IoResult: the size; or -errno, and then an unknown part has been sent.
  auto write_all(std::span<const std::byte> bytes) noexcept { return WriteAllRequest<BasicStream>{this, bytes}; }
  auto write_all(const Lease& lease) noexcept { return write_all(lease.bytes()); }
  /// As write_all(), of all parts in order. The array is consumed: it says afterwards what is left.
  auto write_vector(std::span<iovec> parts) noexcept {
    return Request<WriteVectorOperation<BasicStream>, BasicStream*, std::span<iovec>>{this, parts};
  }

  // --- at once --------------------------------------------------------------------------------------------------------------

  /// Half-close: the peer reads the end of the stream, we can still read.
  IoResult shutdown_write() noexcept {
    return sys::shutdown(this->fd(), mutated(Mutant::shutdown_ends_reading) ? SHUT_RDWR : SHUT_WR);
  }
  void close() noexcept {
    this->source_.close();
    drain_.reset();
  }
  SocketOptions options() const noexcept { return SocketOptions{this->fd()}; }
  Address local_address() const noexcept { return options().template local_address<Address>(); }
  Address peer_address() const noexcept { return options().template peer_address<Address>(); }

  // --- for leaf operations --------------------------------------------------------------------------------------------------

  [[gnu::always_inline]] bool known_empty(const TaskHeader& task) noexcept { return drain_.known_empty(task); }
  void note_read(std::size_t read, std::size_t asked) noexcept { drain_.note(read, asked); }
  void abandoned(Direction d, const TaskHeader& task) noexcept {
    drain_.forget();
    Handle<Ref>::abandoned(d, task);
  }

 private:
  IoResult open(int fd, Interest interest) noexcept {
    const bool leaked = mutated(Mutant::connecting_fd_leaked) && interest == Interest::both;
    return this->source_.open(fd, SourceKind::stream, interest, leaked ? FdFate::keep : FdFate::close);
  }
  auto read_with(std::span<std::byte> into, int flags) noexcept {
    return Request<ReadOperation<BasicStream>, BasicStream*, std::span<std::byte>, int>{this, into, flags};
  }

  [[no_unique_address]] typename Kind::template Drain<Ref::confined> drain_;
};

template <class Rt, StreamKind Kind>
Task<Outcome<BasicStream<Rt, Kind>>> BasicStream<Rt, Kind>::connect(Ref ref, Address peer) {
  const long fd = sys::socket(peer.family(), SOCK_STREAM);
  if (fd < 0) co_return IoResult{fd};
  UniqueFd owned{static_cast<int>(fd)};
  long started;
  do started = sys::connect(owned.get(), peer.data(), peer.size());
  while (started == -EINTR);
  if (started < 0 && started != -EINPROGRESS && started != -EALREADY && started != -EISCONN) co_return IoResult{started};

  const bool under_way = started == -EINPROGRESS || started == -EALREADY;
  BasicStream stream{std::move(ref)};
  const IoResult opened = stream.open(owned.get(), under_way ? Interest::both : Interest::read);
  if (!opened) co_return opened;
  (void)owned.release();
  if (under_way && !mutated(Mutant::connecting_is_connected)) {
    const IoResult connected = co_await Request<WritableOperation<BasicStream>, BasicStream*>{&stream};
    if (!connected) co_return connected;
  }
  co_return std::move(stream);
}

template <class Rt, StreamKind Kind>
Outcome<std::pair<BasicStream<Rt, Kind>, BasicStream<Rt, Kind>>> BasicStream<Rt, Kind>::pair(Rt& runtime)
  requires(Kind::has_pairs)
{
  int fds[2];
  if (const IoResult made = sys::socketpair(SOCK_STREAM, fds); !made) return made;
  UniqueFd first{fds[0]}, second{fds[1]};
  auto ends = std::pair{BasicStream{runtime.ref()}, BasicStream{runtime.ref()}};
  if (const IoResult opened = ends.first.open(first.get(), Interest::read); !opened) return opened;
  (void)first.release();
  if (const IoResult opened = ends.second.open(second.get(), Interest::read); !opened) return opened;
  (void)second.release();
  return ends;
}

}  // namespace reactorlab
