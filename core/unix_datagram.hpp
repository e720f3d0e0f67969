#pragma once
// Unix datagrams over any runtime: reliable and in order, so that a full queue makes senders wait. UnixDatagram is the virtual
// form.

#include <poll.h>

#include <utility>

#include "core/bound_socket.hpp"
#include "core/datagram.hpp"
#include "core/error.hpp"
#include "core/unix_address.hpp"
#include "core/unix_path.hpp"
#include "core/writable_operation.hpp"

namespace reactorlab {

struct UnixDatagramKind {
  using Address = UnixAddress;
  /// Not a ring's to complete: one may be longer than any buffer.
  static constexpr SourceKind source = SourceKind::descriptor;
  /// EAGAIN has two causes. Our own send buffer is full: its draining is an edge. Or the peer's queue is: then the kernel tells
  /// those that are connected to it, and nobody else. What it reports of us now says which.
  static bool tells_of_room(int fd) noexcept {
    pollfd state{fd, POLLOUT, 0};
    return sys::poll_now(&state) == 0;
  }
};

/// A connected socket's send() waits for room in its peer's queue. send_to() from a socket that isn't connected there gives
/// -EAGAIN if that queue is full: await room_at(peer) and try again (decision 0012). A peer that is gone gives -ECONNREFUSED, which
/// also ends the connection (then -ENOTCONN, until connect()).
///
/// Owns the file that binding to a path made: closing or destroying the socket removes it.
template <class Rt>
class BasicUnixDatagram : public BasicDatagramSocket<Rt, UnixDatagramKind> {
 public:
  using Ref = typename Rt::Ref;

  /// Throws std::system_error with cause and remedy.
  static BasicUnixDatagram bind(Rt& runtime, const UnixAddress& local) {
    BasicUnixDatagram socket{runtime.ref()};
    UniqueFd fd = bound_socket(SOCK_DGRAM, local);
    socket.path_ = BoundPath{local};
    const IoResult opened = socket.open(fd);
    if (!opened) throw_errno(opened.error(), "registering the socket on " + local.to_string());
    return socket;
  }
  /// Without a name, so nobody can answer: for sending only, unless it is one of a pair. Throws std::system_error.
  static BasicUnixDatagram unbound(Rt& runtime) {
    BasicUnixDatagram socket{runtime.ref()};
    UniqueFd fd = new_socket(AF_UNIX, SOCK_DGRAM);
    if (const IoResult opened = socket.open(fd); !opened) throw_errno(opened.error(), "registering a Unix datagram socket");
    return socket;
  }
  /// Two sockets, connected to each other.
  static Outcome<std::pair<BasicUnixDatagram, BasicUnixDatagram>> pair(Rt& runtime) {
    int fds[2];
    if (const IoResult made = sys::socketpair(SOCK_DGRAM, fds); !made) return made;
    UniqueFd first{fds[0]}, second{fds[1]};
    auto ends = std::pair{BasicUnixDatagram{runtime.ref()}, BasicUnixDatagram{runtime.ref()}};
    if (const IoResult opened = ends.first.open(first); !opened) return opened;
    if (const IoResult opened = ends.second.open(second); !opened) return opened;
    return ends;
  }

  /// -> IoResult: 0 as soon as the queue of `peer` has room, which somebody else may take first; or -errno (-ECONNREFUSED or
  /// -ENOENT if nobody is there). It doesn't concern this socket, which may be closed meanwhile.
  Task<IoResult> room_at(UnixAddress peer) { return room_at(this->source_.ref(), peer); }

  void close() noexcept {
    path_.remove();
    BasicDatagramSocket<Rt, UnixDatagramKind>::close();
  }

 private:
  explicit BasicUnixDatagram(Ref ref) noexcept : BasicDatagramSocket<Rt, UnixDatagramKind>{std::move(ref)} {}

  static Task<IoResult> room_at(Ref ref, UnixAddress peer);

  BoundPath path_;
};

/// Only a connected socket is told: so one is connected there for the time of waiting.
template <class Rt>
Task<IoResult> BasicUnixDatagram<Rt>::room_at(Ref ref, UnixAddress peer) {
  const long opened = sys::socket(AF_UNIX, SOCK_DGRAM);
  if (opened < 0) co_return opened;
  UniqueFd fd{static_cast<int>(opened)};
  if (const IoResult connected = connect_now(fd.get(), peer); !connected) co_return connected;
  BasicUnixDatagram probe{std::move(ref)};
  if (const IoResult registered = probe.open(fd, Interest::both); !registered) co_return registered;
  const IoResult room = co_await Request<WritableOperation<BasicUnixDatagram>, BasicUnixDatagram*>{&probe};
  co_return room;
}

using UnixDatagram = BasicUnixDatagram<IRuntime>;

}  // namespace reactorlab
