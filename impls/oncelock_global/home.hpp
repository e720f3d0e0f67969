#pragma once
// oncelock_global: one reactor for the whole process, in a static that is initialised once, behind a mutex. Handles carry no more
// than the number of their runtime. Whichever worker of any runtime is idle drives it, and a fallback thread if none is.

#include "core/basic_runtime.hpp"
#include "core/stealing_executor.hpp"
#include "impls/oncelock_global/process_reactor.hpp"

namespace reactorlab::oncelock_global_home {

template <Locking locking>
class Ref {
 public:
  static constexpr bool confined = false;

  explicit Ref(Owner owner) noexcept : owner_{owner} {}

  IoResult add(int fd, SourceKind kind, Interest interest, Registration*& out) const noexcept {
    return the_reactor<locking>().add(fd, kind, interest, out, owner_);
  }
  void remove(Registration& slot, int fd, FdFate fate) const noexcept { the_reactor<locking>().remove(slot, fd, fate); }
  IoResult widen(Registration& slot, int fd, Interest interest) const noexcept {
    return the_reactor<locking>().widen(slot, fd, interest);
  }
  [[gnu::always_inline]] Armed arm(Registration& slot, Direction direction, TaskHeader& task,
                                   std::uint64_t& identity) const noexcept {
    return the_reactor<locking>().arm(slot, direction, task, identity);
  }
  bool is_parked(const Registration& slot, Direction direction, const TaskHeader& task) const noexcept {
    return the_reactor<locking>().is_parked(slot, direction, task);
  }
  void disarm(Registration& slot, Direction direction, std::uint64_t identity, const TaskHeader& task) const noexcept {
    the_reactor<locking>().disarm(slot, direction, identity, task);
  }
  IoResult start_timer(Timer& timer, TimePoint deadline) const noexcept {
    return the_reactor<locking>().start_timer(timer, deadline, owner_);
  }
  void stop_timer(Timer& timer) const noexcept { the_reactor<locking>().stop_timer(timer); }

 private:
  Owner owner_;
};

template <Locking locking>
class Home {
 public:
  using Ref = oncelock_global_home::Ref<locking>;

  static constexpr HomeDescription description{
      .name = "oncelock_global",
      .summary = "one reactor for the whole process, reached by a static, behind a mutex, driven by an idle worker of any runtime",
      .capabilities = {.foreign_registration = true,
                       .migration = true,
                       .several_per_thread = true,
                       .foreign_driver = true,
                       .locking_choice = true},
      .ablations = shared_ablations<locking>};

  explicit Home(const RuntimeOptions& options)
      : info_{info_with_workers(description, locking, options)},
        membership_{options},
        executor_{the_reactor<locking>(), options.workers, options.ablation} {}

  const RuntimeInfo& info() const noexcept { return info_; }
  Executor& executor() noexcept { return executor_; }
  Ref ref() const noexcept { return Ref{membership_.owner()}; }
  void check_block_on() const { check_not_on_worker(executor_); }
  void drive_until_done(const TaskHeader&) {}

  /// This runtime's listeners, tasks and registrations; nobody else's (VAR-OG-03).
  void shut_down(TimePoint until) noexcept {
    the_reactor<locking>().refuse(/*listeners_only=*/true, membership_.owner());
    executor_.shut_down(until);
    the_reactor<locking>().refuse(/*listeners_only=*/false, membership_.owner());
  }

  /// The reactor's part counts for the whole process.
  RuntimeStats stats() { return combined(the_reactor<locking>().stats(), executor_.stats()); }

 private:
  RuntimeInfo info_;
  Membership<locking> membership_;
  StealingExecutor<SharedReactor<locking>> executor_;
};

}  // namespace reactorlab::oncelock_global_home

namespace reactorlab {

template <Locking locking>
using OncelockGlobalRuntime = BasicRuntime<oncelock_global_home::Home<locking>>;

namespace oncelock_global_home {
template <class Use>
decltype(auto) with_runtime_type(const RuntimeOptions& options, Use&& use) {
  return with_locking<Home>(options, use);
}
}  // namespace oncelock_global_home

}  // namespace reactorlab
