#include "harness/load/asking_load.hpp"

namespace reactorlab::load {
namespace {

/// Closed loop: a connection asks again when it was answered.
class WorkLoad final : public AskingLoad {
 public:
  explicit WorkLoad(const LoadOptions& options) : AskingLoad(options), draw_(options.seed) {}

 private:
  bool ask_for(std::chrono::nanoseconds length) override {
    draining_ = false;
    for (std::size_t i = 0; i < connections_.size(); ++i)
      if (!ask(i, now_ns())) return false;
    const std::uint64_t end = now_ns() + nanoseconds(length);
    if (!run_until([&](std::uint64_t now) { return now >= end; })) return false;
    draining_ = true;
    return run_until([&](std::uint64_t) { return all_idle(connections_); });
  }

  bool on_answer(std::size_t number, std::uint64_t now) override {
    record(connections_[number].due_ns(), now);
    return draining_ || ask(number, now);
  }

  bool ask(std::size_t number, std::uint64_t now) {
    const bool asks = draw_.next() * 100 < options_.share;
    return connections_[number].ask(stream_, asks ? options_.work : 0, now);
  }

  Draw draw_;
};

}  // namespace

LoadResult run_work(const LoadOptions& options) {
  WorkLoad load(options);
  return run_on_its_cpu(options, load);
}

}  // namespace reactorlab::load
