#pragma once
// IRuntime on a peer's loop.

#include <memory>
#include <thread>
#include <vector>

#include "core/runtime.hpp"
#include "harness/adapters/executor.hpp"
#include "harness/adapters/loop.hpp"
#include "harness/adapters/reactor.hpp"

namespace reactorlab::adapters {

/// What such a runtime offers.
constexpr Capabilities capabilities_of(Shape shape) noexcept {
  return {.foreign_registration = shape == Shape::pool, .migration = shape == Shape::pool, .several_per_thread = true};
}

class PeerRuntime final : public IRuntime, LoopSink {
 public:
  /// UsageError if the options can't be.
  PeerRuntime(std::string_view name, Shape shape, std::unique_ptr<Loop> loop, const RuntimeOptions& options);
  ~PeerRuntime() override;

  const RuntimeInfo& info() const noexcept override { return info_; }
  void shutdown(Duration drain) override;
  RuntimeStats stats() override { return combined(reactor_->stats(), executor_.stats()); }
  Executor& executor() noexcept override { return executor_; }

 private:
  VirtualRef virtual_ref() override;
  void check_block_on() const override;
  void drive_until_done(const TaskHeader& root) override;

  void ready(Token token, std::uint32_t mask) noexcept override { reactor_->ready(token, mask); }
  void poll(TaskHeader& task) noexcept override { executor_.poll(task); }

  void shut_down(TimePoint until) noexcept;

  const RuntimeInfo info_;
  const Shape shape_;
  const std::shared_ptr<PeerReactor> reactor_;  // handles keep it alive
  PostingExecutor executor_;
  bool running_ = false;              // confined: inside block_on
  PlainMutex end_mutex_;              // pool: several threads may shut down
  std::vector<std::thread> threads_;  // guarded by end_mutex_, once they run
};

}  // namespace reactorlab::adapters
