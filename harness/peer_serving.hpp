#pragma once
// What the servers of all peers have in common.

#include "harness/engine.hpp"

#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace reactorlab::peer_kit {

/// `info` says what the peer has; it has nothing else to choose. Throws std::invalid_argument with cause and remedy.
inline void refuse_what_it_lacks(const std::string& name, const EngineInfo& info, const ServeRequest& request) {
  if (request.proto != "echo")
    throw std::invalid_argument(name + " speaks only echo, not '" + request.proto + "': use --proto=echo");
  const std::string backend(info.backends.front());
  if (!request.backend.empty() && request.backend != backend)
    throw std::invalid_argument(name + " has only the backend " + backend + ", not '" + request.backend + "': leave out --backend");
  if (!request.locking.empty()) throw std::invalid_argument(name + " has no lock to choose: leave out --locking");
  if (request.workers == 0) throw std::invalid_argument(name + " needs a thread: use --workers=1 or more");
  if (info.max_workers != 0 && request.workers > info.max_workers)
    throw std::invalid_argument(name + " has at most " + std::to_string(info.max_workers) +
                                " of them: use --workers=" + std::to_string(info.max_workers));
}

inline void add(ServeReport& sum, const ServeReport& one) {
  sum.connections += one.connections;
  for (const auto& [name, count] : one.counters) sum.counters[name] += count;
}

/// A Loop(request, share_port) for each worker. They share nothing but the port, which the first one takes. All listen when this
/// returns.
template <class Loop>
std::vector<std::unique_ptr<Loop>> loops_on_one_port(const ServeRequest& request) {
  std::vector<std::unique_ptr<Loop>> loops;
  ServeRequest one = request;
  while (loops.size() < request.workers) {
    loops.push_back(std::make_unique<Loop>(one, request.workers > 1));
    one.port = loops.front()->port();
  }
  return loops;
}

/// Each on a thread of its own, the first on the calling one. -> the sum of what they report.
template <class Loop>
ServeReport run_on_a_thread_each(const std::vector<std::unique_ptr<Loop>>& loops) {
  std::vector<std::future<ServeReport>> others;
  for (std::size_t i = 1; i < loops.size(); ++i)
    others.push_back(std::async(std::launch::async, [&loop = *loops[i]] { return loop.run(); }));
  ServeReport report = loops.front()->run();
  for (std::future<ServeReport>& other : others) add(report, other.get());
  return report;
}

/// A peer in another shape than its usual one.
class ServingShape : public Engine {
 public:
  InProcessReport run_in_process(const InProcessRequest&) override {
    throw NotApplicable("a shape is how a server's threads share the work: inside the process ask the peer's usual one");
  }
};

}  // namespace reactorlab::peer_kit
