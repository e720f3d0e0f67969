#include "harness/peer_serving.hpp"
#include "impls/asio/echo_server.hpp"

#include <memory>

namespace reactorlab {
namespace {

/// What a program has whose context must be reachable from several threads, also while only one runs it.
class AsioShared final : public peer_kit::ServingShape {
 public:
  [[nodiscard]] EngineInfo info() const override {
    return {
        .summary = "Boost.Asio, one io_context run by every worker, locked also with one", .backends = {"epoll"}, .max_workers = 0};
  }

  ServeReport serve(const ServeRequest& request) override {
    peer_kit::refuse_what_it_lacks("asio:shared", info(), request);
    asio_peer::EchoServer server(request, static_cast<int>(request.workers), false);
    if (request.on_ready) request.on_ready(server.port());
    return server.run(request.workers);
  }
};

}  // namespace

std::unique_ptr<Engine> make_asio_shared_engine() { return std::make_unique<AsioShared>(); }

}  // namespace reactorlab
