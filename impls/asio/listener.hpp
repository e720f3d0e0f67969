#pragma once

#include "harness/engine.hpp"
#include "impls/asio/types.hpp"

#include <cstdint>
#include <functional>

namespace reactorlab::asio_peer {

/// Accepts on a context, one connection at a time, until the stop descriptor is readable; then it stops the context. Constructing
/// it binds and listens. Belongs to whoever runs the context, and dies before it.
class Listener {
 public:
  using Adopt = std::function<void(Socket)>;

  /// `adopt` gets each connection, in a handler of the context. Several listeners on one port set `share_port`, and the kernel
  /// deals the connections out.
  Listener(asio::io_context& context, const ServeRequest& request, bool share_port, Adopt adopt);

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  /// When the context has stopped.
  [[nodiscard]] ServeReport report() const { return {.connections = accepted_, .counters = {{"accept_refused", accept_refused_}}}; }

 private:
  void listen(std::uint16_t port, int backlog, bool share_port);
  void watch_stop(int stop_fd);
  void accept();
  void rest();

  asio::io_context& context_;
  const Adopt adopt_;
  Acceptor acceptor_;
  Descriptor stop_;
  Timer rest_;

  // Touched only by the chain of accepts, of which one is under way at a time.
  std::uint64_t accepted_ = 0, accept_refused_ = 0;
};

}  // namespace reactorlab::asio_peer
