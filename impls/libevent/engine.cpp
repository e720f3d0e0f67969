#include "harness/engine.hpp"

#include "harness/peer_serving.hpp"
#include "impls/libevent/echo_loop.hpp"

#include <memory>

namespace reactorlab {
namespace {

class LibeventEngine final : public Engine {
 public:
  [[nodiscard]] EngineInfo info() const override {
    return {.summary = "libevent's events; several workers are a loop each, on one port",
            .backends = {"epoll"},
            .max_workers = 0,
            .in_all = false};
  }

  ServeReport serve(const ServeRequest& request) override {
    peer_kit::refuse_what_it_lacks("libevent", info(), request);
    const auto loops = peer_kit::loops_on_one_port<libevent_peer::EchoLoop>(request);
    if (request.on_ready) request.on_ready(loops.front()->port());
    return peer_kit::run_on_a_thread_each(loops);
  }

  InProcessReport run_in_process(const InProcessRequest&) override {
    throw NotApplicable("libevent is here as a server only: a second library of callbacks beside libuv");
  }
};

}  // namespace

std::unique_ptr<Engine> make_libevent_engine() { return std::make_unique<LibeventEngine>(); }

}  // namespace reactorlab
