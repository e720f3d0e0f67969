#include "harness/peer_serving.hpp"
#include "impls/raw_epoll/shared_loop.hpp"

#include <memory>

namespace reactorlab {
namespace {

class RawEpollShared final : public peer_kit::ServingShape {
 public:
  [[nodiscard]] EngineInfo info() const override {
    return {.summary = "hand-written echo on one epoll instance that every worker waits with (EPOLLONESHOT)",
            .backends = {"epoll"},
            .max_workers = 0};
  }

  ServeReport serve(const ServeRequest& request) override {
    peer_kit::refuse_what_it_lacks("raw_epoll:shared", info(), request);
    raw_epoll::SharedLoop loop(request);
    if (request.on_ready) request.on_ready(loop.port());
    return loop.run(request.workers);
  }
};

}  // namespace

std::unique_ptr<Engine> make_raw_epoll_shared_engine() { return std::make_unique<RawEpollShared>(); }

}  // namespace reactorlab
