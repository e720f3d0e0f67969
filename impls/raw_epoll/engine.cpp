#include "harness/engine.hpp"
#include "impls/raw_epoll/echo_loop.hpp"

#include <memory>
#include <stdexcept>
#include <thread>

namespace reactorlab {
namespace {

void refuse_what_it_lacks(const ServeRequest& request) {
  if (request.proto != "echo")
    throw std::invalid_argument("raw_epoll speaks only echo, not '" + request.proto + "': use --proto=echo");
  if (!request.backend.empty() && request.backend != "epoll")
    throw std::invalid_argument("raw_epoll has only the backend epoll, not '" + request.backend +
                                "': leave out --backend");
  if (!request.locking.empty()) throw std::invalid_argument("raw_epoll has no lock to choose: leave out --locking");
  if (request.workers != 1) throw std::invalid_argument("raw_epoll is one thread: use --workers=1");
}

class RawEpollEngine final : public Engine {
 public:
  [[nodiscard]] EngineInfo info() const override {
    return {.summary = "hand-written edge-triggered echo on bare epoll, one thread: the floor",
            .backends = {"epoll"},
            .lockings = {},
            .max_workers = 1};
  }

  ServeReport serve(const ServeRequest& request) override {
    refuse_what_it_lacks(request);
    // libc skips the atomic path of its locks in a process that never had a second thread; nobody gets that gift.
    std::thread([] {}).join();
    const auto loop = std::make_unique<raw_epoll::EchoLoop>(request);
    if (request.on_ready) request.on_ready(loop->port());
    return loop->run();
  }
};

}  // namespace

std::unique_ptr<Engine> make_raw_epoll_engine() { return std::make_unique<RawEpollEngine>(); }

}  // namespace reactorlab
