#include "impls/asio/asio_engine.hpp"

#include "harness/peer_serving.hpp"
#include "impls/asio/echo_server.hpp"
#include "impls/asio/in_process.hpp"

namespace reactorlab::asio_peer {
namespace {

struct Workload {
  std::string_view name;
  InProcessReport (*run)(const InProcessRequest&);
};

constexpr Workload kWorkloads[] = {
    {"spawn_join", spawn_join},
    {"yield", yield},
    {"timer_insert_cancel", timer_insert_cancel},
    {"timer_fire", timer_fire},
    {"cross_thread_wake", cross_thread_wake},
    {"post", post},
    {"reg_churn", reg_churn},
};

/// One thread needs no locks: nothing reaches this context from outside, not even the wish to stop.
int concurrency_hint(unsigned workers) { return workers == 1 ? BOOST_ASIO_CONCURRENCY_HINT_UNSAFE : static_cast<int>(workers); }

}  // namespace

EngineInfo AsioEngine::info() const { return {.summary = summary_, .backends = {backend_}, .lockings = {}, .max_workers = 0}; }

ServeReport AsioEngine::serve(const ServeRequest& request) {
  peer_kit::refuse_what_it_lacks(name_, info(), request);
  EchoServer server(request, concurrency_hint(request.workers), false);
  if (request.on_ready) request.on_ready(server.port());
  return server.run(request.workers);
}

InProcessReport AsioEngine::run_in_process(const InProcessRequest& request) {
  if (request.workers != 1) throw NotApplicable("inside the process one thread runs its io_context");
  for (const Workload& workload : kWorkloads)
    if (workload.name == request.workload) return workload.run(request);
  return Engine::run_in_process(request);
}

}  // namespace reactorlab::asio_peer
