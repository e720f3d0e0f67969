#pragma once
// dedicated_thread: the reactor has a thread of its own, which runs no task. Workers reach it through the registrations' words and
// a queue of commands, and sleep when there is nothing to run; it wakes them with a turn's tasks as one chain.

#include <memory>

#include "core/basic_runtime.hpp"
#include "impls/dedicated_thread/reactor.hpp"

namespace reactorlab::dedicated_thread_home {

class Home {
 public:
  using Ref = PointerRef<std::shared_ptr<DedicatedReactor>>;
  static constexpr HomeDescription description{
      .name = "dedicated_thread",
      .summary = "reactor on a thread of its own, reached by atomic registration words and timer commands; workers only run tasks",
      .capabilities = {.foreign_registration = true, .migration = true, .several_per_thread = true, .foreign_driver = true},
      .ablations = {Ablation::registration_command, Ablation::no_batch_class, Ablation::kick_per_command,
                    Ablation::handoff_per_event, Ablation::spin_then_park}};

  explicit Home(const RuntimeOptions& options)
      : info_{info_with_workers(description, Locking::fine, options)},
        reactor_{std::make_shared<DedicatedReactor>(options.backend, options.ablation)},
        executor_{options.workers, options.ablation} {
    reactor_->start(executor_);
  }
  ~Home() { reactor_->stop(); }

  const RuntimeInfo& info() const noexcept { return info_; }
  Executor& executor() noexcept { return executor_; }
  Ref ref() const { return Ref{reactor_}; }
  void check_block_on() const { check_not_on_worker(executor_); }
  void drive_until_done(const TaskHeader&) {}

  void shut_down(TimePoint until) noexcept {
    reactor_->refuse(/*listeners_only=*/true);
    executor_.shut_down(until);
    reactor_->stop();
  }

  RuntimeStats stats() { return combined(reactor_->stats(), executor_.stats()); }

 private:
  RuntimeInfo info_;
  std::shared_ptr<DedicatedReactor> reactor_;
  UndrivenExecutor executor_;
};

}  // namespace reactorlab::dedicated_thread_home

namespace reactorlab {

using DedicatedThreadRuntime = BasicRuntime<dedicated_thread_home::Home>;

namespace dedicated_thread_home {
template <class Use>
decltype(auto) with_runtime_type(const RuntimeOptions&, Use&& use) {
  return use(std::type_identity<DedicatedThreadRuntime>{});
}
}  // namespace dedicated_thread_home

}  // namespace reactorlab
