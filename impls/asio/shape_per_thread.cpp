#include "harness/peer_serving.hpp"
#include "impls/asio/echo_server.hpp"

#include <memory>

namespace reactorlab {
namespace {

/// Its thread is the only one that ever touches the context, so all of its locking is off.
struct OwnContext : asio_peer::EchoServer {
  OwnContext(const ServeRequest& request, bool share_port) : EchoServer(request, BOOST_ASIO_CONCURRENCY_HINT_UNSAFE, share_port) {}
};

class AsioPerThread final : public peer_kit::ServingShape {
 public:
  [[nodiscard]] EngineInfo info() const override {
    return {
        .summary = "Boost.Asio, an io_context a worker with its locking off, on one port", .backends = {"epoll"}, .max_workers = 0};
  }

  ServeReport serve(const ServeRequest& request) override {
    peer_kit::refuse_what_it_lacks("asio:per_thread", info(), request);
    const auto servers = peer_kit::loops_on_one_port<OwnContext>(request);
    if (request.on_ready) request.on_ready(servers.front()->port());
    return peer_kit::run_on_a_thread_each(servers);
  }
};

}  // namespace

std::unique_ptr<Engine> make_asio_per_thread_engine() { return std::make_unique<AsioPerThread>(); }

}  // namespace reactorlab
