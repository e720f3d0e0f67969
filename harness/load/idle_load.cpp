#include "harness/load/many_load.hpp"

namespace reactorlab::load {
namespace {

/// Connections that exchange one message each and then only exist.
class IdleLoad final : public ManyLoad {
 public:
  explicit IdleLoad(const LoadOptions& options) : ManyLoad(options, options.conns) { stream_.pipeline = 1; }

 private:
  void steps() override {
    if (!open_and_close_one()) return;
    open_window();
    if (open_up_to(options_.conns)) close_window();
  }

  /// What a server makes once, at its first connection, isn't a connection's cost.
  bool open_and_close_one() {
    if (!open_up_to(1)) return false;
    connections_.clear();
    return true;
  }
};

}  // namespace

LoadResult run_idle(const LoadOptions& options) {
  IdleLoad load(options);
  return run_on_its_cpu(options, load);
}

}  // namespace reactorlab::load
