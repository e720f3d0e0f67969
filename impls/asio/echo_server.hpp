#pragma once

#include "harness/engine.hpp"
#include "impls/asio/listener.hpp"
#include "impls/asio/types.hpp"

#include <cstdint>

namespace reactorlab::asio_peer {

/// One io_context that accepts and serves. The connections' buffers and handlers belong to the context, which frees them when it
/// dies. Constructing it binds and listens.
class EchoServer {
 public:
  /// `concurrency_hint` says how much of the context is locked, `share_port` that there are other listeners on the port.
  EchoServer(const ServeRequest& request, int concurrency_hint, bool share_port);

  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

  /// On the calling thread and as many others as make `threads`; the hint has to allow for them.
  ServeReport run(unsigned threads = 1);

 private:
  asio::io_context context_;
  Listener listener_;
};

}  // namespace reactorlab::asio_peer
