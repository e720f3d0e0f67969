#pragma once
// IRuntime on a peer's loop.

#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "core/calls_under_way.hpp"
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
  /// What `delete` calls instead of the destructor: see ~IRuntime().
  static void operator delete(PeerRuntime* runtime, std::destroying_delete_t) noexcept;

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

  void enter() noexcept override { calls_.enter(); }
  void leave() noexcept override {
    if (calls_.leave()) end(this);
  }
  /// Confined: tasks run inside calls only; on the same thread there is also all that isn't a task.
  bool inside_task() const noexcept { return executor_.on_own_thread() && (shape_ == Shape::pool || calls_.any()); }
  /// The destructor and the memory, past our own operator delete.
  static void end(PeerRuntime* runtime) noexcept { ::delete runtime; }

  void shut_down(TimePoint until) noexcept;

  CallsUnderWay calls_;
  const RuntimeInfo info_;
  const Shape shape_;
  const std::shared_ptr<PeerReactor> reactor_;  // handles keep it alive
  PostingExecutor executor_;
  bool running_ = false;              // confined: inside block_on
  PlainMutex end_mutex_;              // pool: several threads may shut down
  std::vector<std::thread> threads_;  // guarded by end_mutex_, once they run
};

}  // namespace reactorlab::adapters
