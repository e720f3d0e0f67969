#pragma once

#include "harness/engine.hpp"
#include "impls/asio/types.hpp"

#include <cstddef>
#include <cstdint>

namespace reactorlab::asio_peer {

/// One io_context, run by as many threads as asked. The connections' buffers and handlers belong to the context, which
/// frees them when it dies. Constructing it binds and listens.
class EchoServer {
 public:
  explicit EchoServer(const ServeRequest& request);

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  ServeReport run();

 private:
  void listen(std::uint16_t port, int backlog);
  void watch_stop(int stop_fd);
  void accept();
  void rest();

  const unsigned workers_;
  const std::size_t chunk_;
  asio::io_context context_;
  Acceptor acceptor_;
  Descriptor stop_;
  Timer rest_;

  // Touched only by the chain of accepts, of which one is under way at a time.
  std::uint64_t accepted_ = 0, accept_refused_ = 0;
};

}  // namespace reactorlab::asio_peer
