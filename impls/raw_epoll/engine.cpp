#include "harness/engine.hpp"
#include "harness/peer_serving.hpp"
#include "impls/raw_epoll/echo_loop.hpp"
#include "impls/raw_epoll/in_process.hpp"

#include <memory>
#include <string>

namespace reactorlab {
namespace {

class RawEpollEngine final : public Engine {
 public:
  [[nodiscard]] EngineInfo info() const override {
    return {.summary = "hand-written edge-triggered echo on bare epoll, one thread: the floor",
            .backends = {"epoll"},
            .lockings = {},
            .max_workers = 1};
  }

  ServeReport serve(const ServeRequest& request) override {
    peer_kit::refuse_what_it_lacks("raw_epoll", info(), request);
    const auto loop = std::make_unique<raw_epoll::EchoLoop>(request);
    if (request.on_ready) request.on_ready(loop->port());
    return loop->run();
  }

  InProcessReport run_in_process(const InProcessRequest& request) override {
    const std::string& workload = request.workload;
    if (workload == "cross_thread_wake") return raw_epoll::cross_thread_wake(request);
    if (workload == "reg_churn") return raw_epoll::reg_churn(request);
    if (workload == "timer_insert_cancel" || workload == "timer_fire")
      throw NotApplicable("bare epoll has no timers, only the timeout of its wait");
    if (workload == "spawn_join" || workload == "yield" || workload == "post")
      throw NotApplicable("bare epoll has nothing to queue work in: no tasks, no handlers");
    return Engine::run_in_process(request);
  }
};

}  // namespace

std::unique_ptr<Engine> make_raw_epoll_engine() { return std::make_unique<RawEpollEngine>(); }

}  // namespace reactorlab
