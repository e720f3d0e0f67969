#include "harness/peer_serving.hpp"
#include "impls/libuv/dedicated_loop.hpp"

#include <csignal>
#include <memory>

namespace reactorlab {
namespace {

class LibuvDedicated final : public peer_kit::ServingShape {
 public:
  [[nodiscard]] EngineInfo info() const override {
    return {
        .summary = "libuv, the loop on a thread of its own; it hands what it read to the workers and gets answers back (uv_async)",
        .backends = {"epoll"},
        .max_workers = 0};
  }

  ServeReport serve(const ServeRequest& request) override {
    peer_kit::refuse_what_it_lacks("libuv:dedicated", info(), request);
    std::signal(SIGPIPE, SIG_IGN);  // libuv writes with write(2) and leaves this to the program
    libuv_peer::DedicatedLoop loop(request);
    if (request.on_ready) request.on_ready(loop.port());
    return loop.run();
  }
};

}  // namespace

std::unique_ptr<Engine> make_libuv_dedicated_engine() { return std::make_unique<LibuvDedicated>(); }

}  // namespace reactorlab
