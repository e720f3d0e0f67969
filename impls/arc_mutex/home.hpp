#pragma once
// arc_mutex: the reactor lives on the heap, behind a mutex, and every handle carries a shared_ptr to it. Whichever worker is idle
// drives it. Handles work on any thread and may outlive the runtime: the last one frees the reactor.

#include <memory>

#include "core/basic_runtime.hpp"
#include "core/shared_reactor.hpp"
#include "core/stealing_executor.hpp"

namespace reactorlab::arc_mutex_home {

template <Locking locking>
class Home {
 public:
  using Ref = PointerRef<std::shared_ptr<SharedReactor<locking>>>;

  static constexpr HomeDescription description{
      .name = "arc_mutex",
      .summary = "reactor behind a mutex, reached by a shared_ptr in every handle, driven by an idle worker",
      .capabilities = {.foreign_registration = true, .migration = true, .several_per_thread = true, .locking_choice = true},
      .ablations = shared_ablations<locking>};

  explicit Home(const RuntimeOptions& options)
      : info_{info_with_workers(description, locking, options)},
        reactor_{std::make_shared<SharedReactor<locking>>(options.backend, options.ablation)},
        executor_{*reactor_, options.workers, options.ablation} {}

  const RuntimeInfo& info() const noexcept { return info_; }
  Executor& executor() noexcept { return executor_; }
  Ref ref() const { return Ref{reactor_}; }
  void check_block_on() const { check_not_on_worker(executor_); }
  void drive_until_done(const TaskHeader&) {}

  void shut_down(TimePoint until) noexcept {
    reactor_->refuse(/*listeners_only=*/true);
    executor_.shut_down(until);
    reactor_->refuse(/*listeners_only=*/false);
  }

  RuntimeStats stats() { return combined(reactor_->stats(), executor_.stats()); }

 private:
  RuntimeInfo info_;
  std::shared_ptr<SharedReactor<locking>> reactor_;
  StealingExecutor<SharedReactor<locking>> executor_;
};

}  // namespace reactorlab::arc_mutex_home

namespace reactorlab {

template <Locking locking>
using ArcMutexRuntime = BasicRuntime<arc_mutex_home::Home<locking>>;

namespace arc_mutex_home {
template <class Use>
decltype(auto) with_runtime_type(const RuntimeOptions& options, Use&& use) {
  return with_locking<Home>(options, use);
}
}  // namespace arc_mutex_home

}  // namespace reactorlab
