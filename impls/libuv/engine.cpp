#include "harness/engine.hpp"

#include "impls/libuv/echo_loop.hpp"
#include "impls/libuv/in_process.hpp"

#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace reactorlab {
namespace {

using libuv_peer::EchoLoop;

void refuse_what_it_lacks(const ServeRequest& request) {
  if (request.proto != "echo") throw std::invalid_argument("libuv speaks only echo, not '" + request.proto + "': use --proto=echo");
  if (!request.backend.empty() && request.backend != "epoll")
    throw std::invalid_argument("libuv has only the backend epoll, not '" + request.backend + "': leave out --backend");
  if (!request.locking.empty()) throw std::invalid_argument("libuv has no lock to choose: leave out --locking");
  if (request.workers == 0) throw std::invalid_argument("libuv needs a thread: use --workers=1 or more");
}

/// The first takes the port, the others share it. All listen when this returns.
std::vector<std::unique_ptr<EchoLoop>> make_loops(const ServeRequest& request) {
  std::vector<std::unique_ptr<EchoLoop>> loops;
  const bool share_port = request.workers > 1;
  loops.push_back(std::make_unique<EchoLoop>(request, request.port, share_port));
  while (loops.size() < request.workers) loops.push_back(std::make_unique<EchoLoop>(request, loops.front()->port(), share_port));
  return loops;
}

ServeReport report_of(const std::vector<std::unique_ptr<EchoLoop>>& loops) {
  ServeReport report;
  for (const auto& loop : loops) {
    report.connections += loop->accepted();
    report.counters["full_send_buffers"] += loop->full_send_buffers();
  }
  return report;
}

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
    refuse_what_it_lacks(request);
    std::signal(SIGPIPE, SIG_IGN);  // libuv writes with write(2) and leaves this to the program
    // libc skips the atomic path of its locks in a process that never had a second thread; nobody gets that gift.
    std::thread([] {}).join();
    const auto loops = make_loops(request);
    if (request.on_ready) request.on_ready(loops.front()->port());
    {
      std::vector<std::jthread> others;
      for (std::size_t i = 1; i < loops.size(); ++i) others.emplace_back([&loop = *loops[i]] { loop.run(); });
      loops.front()->run();
    }
    return report_of(loops);
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
