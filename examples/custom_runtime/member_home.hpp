#pragma once
// A home of one's own: the reactor is simply a member of the runtime. Nothing global leads to it, not even per thread;
// each handle carries a slip of paper that says where it is, and the runtime tears the slip up when it ends. One
// thread, so nothing is locked.
//
// What a home decides is the file's first half (Slip, Ref); the second half (Home) puts the blocks of core/ together.

#include <memory>
#include <mutex>
#include <utility>

#include "core/basic_runtime.hpp"
#include "core/local_executor.hpp"
#include "core/local_reactor.hpp"

namespace custom {

using namespace reactorlab;

/// Where a runtime's reactor is. Outlives the runtime in the handles that carry it.
struct Slip {
  LocalReactor* reactor;
  Atomic<LocalExecutor*> executor;  ///< nullptr: the runtime is gone

  std::mutex mutex;
  bool takes_removals = true;  ///< guarded by mutex

  /// On the runtime's thread, while it lives: the one place from which the reactor may be touched.
  bool here() const noexcept {
    const LocalExecutor* const mine = executor.load(relaxed);
    return mine && mine == confined_executor;
  }
};

/// How handles reach the reactor (concept ReactorRef). Elsewhere everything is refused, except giving a registration
/// up.
class Ref {
 public:
  static constexpr bool confined = true;

  explicit Ref(std::shared_ptr<Slip> slip) noexcept : slip_{std::move(slip)} {}

  IoResult add(int fd, SourceKind kind, Interest interest, Registration*& out) const noexcept {
    return slip_->here() ? slip_->reactor->add(fd, kind, interest, out) : IoResult{-EXDEV};
  }
  void remove(Registration& slot, int fd, FdFate fate) const noexcept {
    slip_->here() ? slip_->reactor->remove(slot, fd, fate) : remove_elsewhere(slot, fd, fate);
  }
  IoResult widen(Registration& slot, int fd, Interest interest) const noexcept {
    return slip_->here() ? slip_->reactor->widen(slot, fd, interest) : IoResult{-EXDEV};
  }
  Armed arm(Registration& slot, Direction direction, TaskHeader& task, std::uint64_t& identity) const noexcept {
    return slip_->here() ? LocalReactor::arm(slot, direction, task, identity) : Armed::misplaced;
  }
  bool is_parked(const Registration& slot, Direction direction, const TaskHeader& task) const noexcept {
    return LocalReactor::is_parked(slot, direction, task);
  }
  void disarm(Registration& slot, Direction direction, std::uint64_t identity, const TaskHeader& task) const noexcept {
    LocalReactor::disarm(slot, direction, identity, task);
  }
  IoResult start_timer(Timer& timer, TimePoint deadline) const noexcept {
    return slip_->here() ? slip_->reactor->start_timer(timer, deadline) : IoResult{-EXDEV};
  }
  void stop_timer(Timer& timer) const noexcept {
    if (slip_->here()) slip_->reactor->stop_timer(timer);
  }

 private:
  /// A removal on its way to the runtime's thread; carried out there, whether its task runs or is destroyed by
  /// shutdown.
  class Removal {
   public:
    Removal(std::shared_ptr<Slip> slip, Registration& slot, int fd, FdFate fate) noexcept
        : slip_{std::move(slip)}, slot_{slot}, fd_{fd}, fate_{fate} {}
    Removal(Removal&& other) noexcept = default;  // leaves no slip behind
    ~Removal() {
      if (slip_) Ref{slip_}.remove(slot_, fd_, fate_);
    }

   private:
    std::shared_ptr<Slip> slip_;
    Registration& slot_;
    int fd_;
    FdFate fate_;
  };
  static Task<> carry_out(Removal) { co_return; }

  /// A handle was dropped on another thread, or after its runtime.
  void remove_elsewhere(Registration& slot, int fd, FdFate fate) const noexcept {
    const std::lock_guard lock{slip_->mutex};
    if (slip_->takes_removals) return spawn_on(*slip_->executor.load(relaxed), carry_out({slip_, slot, fd, fate})).detach();
    Slab::surrender(slot);  // its memory waits for this one
    if (fate == FdFate::close) sys::close(fd);
  }

  std::shared_ptr<Slip> slip_;
};

/// The runtime without its shell (concept ReactorHome).
class Home {
 public:
  using Ref = custom::Ref;
  static constexpr HomeDescription description{
      .name = "member",
      .summary = "reactor inside the runtime, reached by a slip in every handle, driven by the runtime's thread",
      .capabilities = {}};

  explicit Home(const RuntimeOptions& options)
      : info_{info_with_workers(description, Locking::fine, checked(options))}, reactor_{options.backend}, executor_{reactor_} {}
  ~Home() {
    shut_down(TimePoint{});
    {
      const std::lock_guard lock{slip_->mutex};
      slip_->takes_removals = false;
    }
    shut_down(TimePoint{});  // removals that came until then
    slip_->executor.store(nullptr, relaxed);
  }
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;

  const RuntimeInfo& info() const noexcept { return info_; }
  LocalExecutor& executor() noexcept { return executor_; }
  Ref ref() const {
    if (!slip_->here())
      throw UsageError{"a member runtime registers handles and timers on its own thread only; spawn a task there"};
    return Ref{slip_};
  }
  void check_block_on() const {
    if (!slip_->here()) throw UsageError{"a member runtime is driven by the thread that made it"};
    if (executor_.running()) throw UsageError{"block_on inside a task of the same runtime would deadlock; co_await the task"};
  }
  void drive_until_done(const TaskHeader& root) { executor_.run_until_done(root); }
  void shut_down(TimePoint until) noexcept {
    reactor_.refuse(/*listeners_only=*/true);
    executor_.shut_down(until);
    reactor_.refuse(/*listeners_only=*/false);
  }
  RuntimeStats stats() {
    RuntimeStats stats = combined(reactor_.reactor().stats(), executor_.stats());
    stats.turns = executor_.turns();
    stats.kicks = executor_.kicks();
    return stats;
  }

 private:
  static const RuntimeOptions& checked(const RuntimeOptions& options) {
    if (options.workers != 1) throw UsageError{"a member runtime runs on the thread that made it, so workers must be 1"};
    return options;
  }

  RuntimeInfo info_;
  LocalReactor reactor_;
  LocalExecutor executor_;
  std::shared_ptr<Slip> slip_ = std::make_shared<Slip>(&reactor_, &executor_);
};

using MemberRuntime = BasicRuntime<Home>;

}  // namespace custom
