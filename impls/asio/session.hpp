#pragma once

#include "impls/asio/types.hpp"

#include <cstddef>
#include <memory>

namespace reactorlab::asio_peer {

/// A connection: one chain of handlers, read then write then read. The handler that is under way owns it, so nothing is
/// counted and no strand is needed; a chain that ends, or a context that dies, closes it.
class Session {
 public:
  Session(Socket socket, std::size_t chunk);

  static void read(std::unique_ptr<Session> self);

 private:
  static void write(std::unique_ptr<Session> self, std::size_t size);

  Socket socket_;
  const std::size_t chunk_;
  const std::unique_ptr<char[]> buffer_;
};

}  // namespace reactorlab::asio_peer
