#include "harness/peer_serving.hpp"
#include "impls/libuv/echo_loop.hpp"

#include <memory>

namespace reactorlab {
namespace {

/// What `libuv` alone does with several workers, under the name that the other peers' shape of this kind has.
class LibuvPerThread final : public peer_kit::ServingShape {
 public:
  [[nodiscard]] EngineInfo info() const override {
    return {.summary = "libuv, a loop a worker, on one port: as libuv alone", .backends = {"epoll"}, .max_workers = 0};
  }

  ServeReport serve(const ServeRequest& request) override {
    peer_kit::refuse_what_it_lacks("libuv:per_thread", info(), request);
    return libuv_peer::serve_on_a_loop_each(request);
  }
};

}  // namespace

std::unique_ptr<Engine> make_libuv_per_thread_engine() { return std::make_unique<LibuvPerThread>(); }

}  // namespace reactorlab
