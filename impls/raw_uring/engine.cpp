#include "harness/engine.hpp"

#include "impls/raw_uring/echo_loop.hpp"
#include "impls/raw_uring/in_process.hpp"

#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace reactorlab {
namespace {

using raw_uring::EchoLoop;

void refuse_what_it_lacks(const ServeRequest& request) {
  if (request.proto != "echo")
    throw std::invalid_argument("raw_uring speaks only echo, not '" + request.proto + "': use --proto=echo");
  if (!request.backend.empty() && request.backend != "uring")
    throw std::invalid_argument("raw_uring has only the backend uring, not '" + request.backend + "': leave out --backend");
  if (!request.locking.empty()) throw std::invalid_argument("raw_uring has no lock to choose: leave out --locking");
  if (request.workers == 0) throw std::invalid_argument("raw_uring needs a thread: use --workers=1 or more");
}

void add(ServeReport& sum, const ServeReport& one) {
  sum.connections += one.connections;
  for (const auto& [name, count] : one.counters) sum.counters[name] += count;
}

/// Makes what serving needs, and throws it away. -> why that can't be.
std::optional<std::string> try_to_make() {
  try {
    raw_uring::Ring ring({.submissions = 4, .completions = 8});
    raw_uring::BufferPool(ring.get(), 1, 64);
    return std::nullopt;
  } catch (const std::system_error& error) {
    return error.what();
  }
}

class RawUringEngine final : public Engine {
 public:
  [[nodiscard]] EngineInfo info() const override {
    return {.summary = "hand-written completion echo on bare io_uring; several workers are a ring each, on one port",
            .backends = {"uring"},
            .lockings = {},
            .max_workers = 0};
  }

  /// On a thread that ends: a ring that is closed interrupts a system call of its maker a moment later (EINTR).
  [[nodiscard]] std::optional<std::string> obstacle() const override { return std::async(std::launch::async, try_to_make).get(); }

  ServeReport serve(const ServeRequest& request) override {
    refuse_what_it_lacks(request);
    // libc skips the atomic path of its locks in a process that never had a second thread; nobody gets that gift.
    std::thread([] {}).join();
    const bool share_port = request.workers > 1;
    EchoLoop first(request, request.port, share_port);
    std::vector<std::unique_ptr<EchoLoop>> others;
    while (others.size() + 1 < request.workers) others.push_back(std::make_unique<EchoLoop>(request, first.port(), share_port));
    if (request.on_ready) request.on_ready(first.port());
    std::vector<std::future<ServeReport>> running;
    for (const auto& loop : others) running.push_back(std::async(std::launch::async, [&loop = *loop] { return loop.run(); }));
    ServeReport report = first.run();
    for (std::future<ServeReport>& one : running) add(report, one.get());
    return report;
  }

  InProcessReport run_in_process(const InProcessRequest& request) override {
    const std::string& workload = request.workload;
    if (request.workers != 1) throw NotApplicable("inside the process one thread runs its ring");
    if (workload == "cross_thread_wake") return raw_uring::cross_thread_wake(request);
    if (workload == "timer_fire") return raw_uring::timer_fire(request);
    if (workload == "reg_churn") throw NotApplicable("a completion loop registers nothing: an operation names its descriptor");
    if (workload == "timer_insert_cancel")
      throw NotApplicable("io_uring finds the timeout to cancel by walking the list of all: no form for a million");
    if (workload == "spawn_join" || workload == "yield" || workload == "post")
      throw NotApplicable("a bare ring has nothing to queue work in: no tasks, no handlers");
    return Engine::run_in_process(request);
  }
};

}  // namespace

std::unique_ptr<Engine> make_raw_uring_engine() { return std::make_unique<RawUringEngine>(); }

}  // namespace reactorlab
