#include "harness/engine.hpp"

#include "impls/asio/asio_engine.hpp"

#include <memory>

namespace reactorlab {

std::unique_ptr<Engine> make_asio_engine() {
  return std::make_unique<asio_peer::AsioEngine>("asio", "Boost.Asio callbacks; several workers run one io_context", "epoll");
}

}  // namespace reactorlab
