#include "harness/engine.hpp"

#include "impls/asio/echo_server.hpp"
#include "impls/asio/in_process.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace reactorlab {
namespace {

void refuse_what_it_lacks(const ServeRequest& request) {
  if (request.proto != "echo") throw std::invalid_argument("asio speaks only echo, not '" + request.proto + "': use --proto=echo");
  if (!request.backend.empty() && request.backend != "epoll")
    throw std::invalid_argument("asio has only the backend epoll, not '" + request.backend + "': leave out --backend");
  if (!request.locking.empty()) throw std::invalid_argument("asio has no lock to choose: leave out --locking");
  if (request.workers == 0) throw std::invalid_argument("asio needs a thread: use --workers=1 or more");
}

struct Workload {
  std::string_view name;
  InProcessReport (*run)(const InProcessRequest&);
};

constexpr Workload kWorkloads[] = {
    {"spawn_join", asio_peer::spawn_join},
    {"yield", asio_peer::yield},
    {"timer_insert_cancel", asio_peer::timer_insert_cancel},
    {"timer_fire", asio_peer::timer_fire},
    {"cross_thread_wake", asio_peer::cross_thread_wake},
    {"post", asio_peer::post},
    {"reg_churn", asio_peer::reg_churn},
};

class AsioEngine final : public Engine {
 public:
  [[nodiscard]] EngineInfo info() const override {
    return {.summary = "Boost.Asio callbacks; several workers run one io_context",
            .backends = {"epoll"},
            .lockings = {},
            .max_workers = 0};
  }

  ServeReport serve(const ServeRequest& request) override {
    refuse_what_it_lacks(request);
    // libc skips the atomic path of its locks in a process that never had a second thread; nobody gets that gift.
    std::thread([] {}).join();
    const auto server = std::make_unique<asio_peer::EchoServer>(request);
    if (request.on_ready) request.on_ready(server->port());
    return server->run();
  }

  InProcessReport run_in_process(const InProcessRequest& request) override {
    if (request.workers != 1) throw NotApplicable("inside the process one thread runs its io_context");
    for (const Workload& workload : kWorkloads)
      if (workload.name == request.workload) return workload.run(request);
    return Engine::run_in_process(request);
  }
};

}  // namespace

std::unique_ptr<Engine> make_asio_engine() { return std::make_unique<AsioEngine>(); }

}  // namespace reactorlab
