#pragma once
// TCP listener and stream over any runtime. TcpStream and TcpListener are the virtual forms; with a concrete runtime type the same
// source is static all the way down.

#include "core/address.hpp"
#include "core/stream.hpp"
#include "core/stream_drain.hpp"
#include "core/stream_listener.hpp"

namespace reactorlab {

struct TcpKind {
  using Address = SocketAddress;
  /// A short read means empty (decision 0004): a reader that asks again is told EAGAIN at once.
  template <bool confined>
  using Drain = DrainMemory<confined>;
  static constexpr bool has_pairs = false;
  /// Who is accepted inherits it (Linux): no call per connection.
  static void prepare_listener(int fd) noexcept { (void)SocketOptions{fd}.set_nodelay(true); }
};

template <class Rt>
using BasicTcpStream = BasicStream<Rt, TcpKind>;

/// The streams that it accepts have TCP_NODELAY.
template <class Rt>
class BasicTcpListener : public BasicListener<Rt, TcpKind> {
 public:
  struct Options {
    int backlog = 4096;
    bool reuse_port = false;  ///< several listeners share the port; the kernel spreads connections
  };

  /// Throws std::system_error with cause and remedy (port in use, no permission, no descriptors).
  static BasicTcpListener bind(Rt& runtime, SocketAddress local) { return bind(runtime, local, Options{}); }
  static BasicTcpListener bind(Rt& runtime, SocketAddress local, Options options) {
    BasicTcpListener listener{runtime.ref()};
    listener.listen(bound_socket(SOCK_STREAM, local, {.reuse_address = true, .reuse_port = options.reuse_port}), local,
                    options.backlog);
    return listener;
  }

 private:
  explicit BasicTcpListener(typename Rt::Ref ref) noexcept : BasicListener<Rt, TcpKind>{std::move(ref)} {}
};

using TcpStream = BasicTcpStream<IRuntime>;
using TcpListener = BasicTcpListener<IRuntime>;

}  // namespace reactorlab
