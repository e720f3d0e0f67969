#include "harness/load/loop.hpp"

#include <vector>

namespace reactorlab::load {
namespace {

/// Connections that live as long as the run: connect, warm up, let everything come back, measure, let everything come
/// back.
class EchoLoad final : public Loop {
 public:
  using Loop::Loop;

 private:
  void steps() override {
    if (!connect_all(connections_) || !exchange_for(connections_, options_.warmup)) return;
    open_window();
    if (exchange_for(connections_, options_.duration)) close_window();
  }

  bool on_events(std::span<const epoll_event> events) override {
    for (const epoll_event& event : events)
      if (!connections_[event.data.u64].on_ready(stream_, draining_)) return false;
    return true;
  }

  std::vector<Connection> connections_;
};

}  // namespace

LoadResult run_load(const LoadOptions& options) {
  EchoLoad load(options);
  return run_on_its_cpu(options, load);
}

}  // namespace reactorlab::load
