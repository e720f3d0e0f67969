#pragma once
// thread_local: the reactor lives in the thread that made the runtime. Handles carry nothing and reach it through a thread-local
// pointer; nobody else can, so nothing is locked and nothing is atomic. Other threads' wakes, spawns and cancels come in through
// the executor's inbox.

#include "core/basic_runtime.hpp"
#include "core/local_executor.hpp"
#include "core/local_reactor.hpp"

namespace reactorlab::thread_local_home {

/// The reactor of the calling thread's runtime, and where its registrations lie.
inline constinit thread_local LocalReactor* here = nullptr;
inline constinit thread_local const std::byte* registrations_here = nullptr;

/// A handle was dropped on another thread, or after its runtime: passes the removal on to the owner, or ends it here.
void remove_elsewhere(Registration& slot, int fd, FdFate fate) noexcept;

class Ref {
 public:
  static constexpr bool confined = true;

  IoResult add(int fd, SourceKind kind, Interest interest, Registration*& out) const noexcept {
    return here ? here->add(fd, kind, interest, out) : IoResult{-EXDEV};
  }
  void remove(Registration& slot, int fd, FdFate fate) const noexcept {
    if (here && here->owns(slot)) [[likely]]
      return here->remove(slot, fd, fate);
    remove_elsewhere(slot, fd, fate);
  }
  IoResult widen(Registration& slot, int fd, Interest interest) const noexcept {
    return here && here->owns(slot) ? here->widen(slot, fd, interest) : IoResult{-EXDEV};
  }
  [[gnu::always_inline]] Armed arm(Registration& slot, Direction direction, TaskHeader& task,
                                   std::uint64_t& identity) const noexcept {
    if (Slab::base_of(slot) != registrations_here && !mutated(Mutant::foreign_task_parks)) [[unlikely]]
      return Armed::misplaced;
    return LocalReactor::arm(slot, direction, task, identity);
  }
  bool is_parked(const Registration& slot, Direction direction, const TaskHeader& task) const noexcept {
    return LocalReactor::is_parked(slot, direction, task);
  }
  void disarm(Registration& slot, Direction direction, std::uint64_t identity, const TaskHeader& task) const noexcept {
    LocalReactor::disarm(slot, direction, identity, task);
  }
  IoResult start_timer(Timer& timer, TimePoint deadline) const noexcept {
    return here ? here->start_timer(timer, deadline) : IoResult{-EXDEV};
  }
  void stop_timer(Timer& timer) const noexcept {
    if (here) here->stop_timer(timer);
  }
};

class Home {
 public:
  using Ref = thread_local_home::Ref;
  static constexpr HomeDescription description{
      .name = "thread_local",
      .summary = "reactor confined to its thread, reached by a thread-local pointer, driven by that thread",
      .capabilities = {},
      .ablations = {Ablation::level_triggered, Ablation::oneshot}};

  explicit Home(const RuntimeOptions& options);
  ~Home();
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;

  const RuntimeInfo& info() const noexcept { return info_; }
  LocalExecutor& executor() noexcept { return executor_; }
  Ref ref() const;
  void check_block_on() const;
  void drive_until_done(const TaskHeader& root) { executor_.run_until_done(root); }
  void shut_down(TimePoint until) noexcept;
  RuntimeStats stats();

  bool owns(const Registration& slot) const noexcept { return reactor_.owns(slot); }

 private:
  RuntimeInfo info_;
  LocalReactor reactor_;
  LocalExecutor executor_;
};

}  // namespace reactorlab::thread_local_home

namespace reactorlab {

using ThreadLocalRuntime = BasicRuntime<thread_local_home::Home>;

namespace thread_local_home {
template <class Use>
decltype(auto) with_runtime_type(const RuntimeOptions&, Use&& use) {
  return use(std::type_identity<ThreadLocalRuntime>{});
}
}  // namespace thread_local_home

}  // namespace reactorlab
