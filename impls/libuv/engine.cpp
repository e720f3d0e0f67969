#include "harness/engine.hpp"

#include "harness/peer_serving.hpp"
#include "impls/libuv/echo_loop.hpp"
#include "impls/libuv/in_process.hpp"

#include <memory>
#include <string_view>

namespace reactorlab {
namespace {

struct Workload {
  std::string_view name;
  InProcessReport (*run)(const InProcessRequest&);
};

constexpr Workload kWorkloads[] = {
    {"timer_insert_cancel", libuv_peer::timer_insert_cancel},
    {"timer_fire", libuv_peer::timer_fire},
    {"cross_thread_wake", libuv_peer::cross_thread_wake},
    {"post", libuv_peer::post},
    {"reg_churn", libuv_peer::reg_churn},
};

class LibuvEngine final : public Engine {
 public:
  [[nodiscard]] EngineInfo info() const override {
    return {
        .summary = "libuv; several workers are a loop each, on one port", .backends = {"epoll"}, .lockings = {}, .max_workers = 0};
  }

  ServeReport serve(const ServeRequest& request) override {
    peer_kit::refuse_what_it_lacks("libuv", info(), request);
    return libuv_peer::serve_on_a_loop_each(request);
  }

  InProcessReport run_in_process(const InProcessRequest& request) override {
    if (request.workers != 1) throw NotApplicable("inside the process one thread runs its loop");
    for (const Workload& workload : kWorkloads)
      if (workload.name == request.workload) return workload.run(request);
    if (request.workload == "spawn_join" || request.workload == "yield")
      throw NotApplicable("libuv has callbacks of events, but neither tasks nor a queue of ready ones");
    return Engine::run_in_process(request);
  }
};

}  // namespace

std::unique_ptr<Engine> make_libuv_engine() { return std::make_unique<LibuvEngine>(); }

}  // namespace reactorlab
