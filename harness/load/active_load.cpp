#include "harness/load/many_load.hpp"

#include <span>

namespace reactorlab::load {
namespace {

/// Echo on some connections, while others only exist.
class ActiveLoad final : public ManyLoad {
 public:
  explicit ActiveLoad(const LoadOptions& options) : ManyLoad(options, options.conns + options.idle) {}

 private:
  void steps() override {
    if (!open_up_to(options_.conns, EPOLLOUT) || !open_up_to(options_.conns + options_.idle)) return;
    const std::span active = std::span(connections_).first(options_.conns);
    if (!exchange_for(active, options_.warmup)) return;
    open_window();
    if (exchange_for(active, options_.duration)) close_window();
  }
};

}  // namespace

LoadResult run_active(const LoadOptions& options) {
  ActiveLoad load(options);
  return run_on_its_cpu(options, load);
}

}  // namespace reactorlab::load
