#pragma once
// IRuntime: the one interface of every runtime. Virtual where a call is per task, connection or turn; what is per operation goes
// through Ref (reactor_ref.hpp), which is static when the runtime's type is known.

#include <memory>
#include <span>
#include <string_view>

#include "core/ablation.hpp"
#include "core/executor.hpp"
#include "core/join.hpp"
#include "core/reactor_ref.hpp"
#include "core/shared_registrations.hpp"
#include "core/task.hpp"

namespace reactorlab {

struct RuntimeOptions {
  unsigned workers = 1;
  Backend backend = Backend::epoll;
  Locking locking = Locking::coarse;   ///< shared homes only
  Ablation ablation = Ablation::none;  ///< for measurements only
};

/// What a runtime offers beyond the common ground. The conformance kit skips, and counts, what needs more.
struct Capabilities {
  bool foreign_registration = false;  ///< handles and timers may be made and awaited on any thread
  bool migration = false;             ///< tasks may move between threads
  bool several_per_thread = false;    ///< a thread may construct more than one runtime
  bool foreign_driver = false;        ///< a thread that runs no tasks may drive the reactor
  bool locking_choice = false;        ///< RuntimeOptions::locking makes a difference
};

/// What a home says of itself before there is a runtime of it.
struct HomeDescription {
  std::string_view name;
  std::string_view summary;  ///< one line: where the reactor lives, how it is reached, who drives it
  Capabilities capabilities;
  Ablations ablations = {};
};

struct RuntimeInfo {
  std::string_view name;
  Backend backend;  ///< the one that really runs
  Locking locking;
  unsigned workers;
  Capabilities capabilities;
  Ablation ablation = Ablation::none;
};

struct RuntimeStats : ReactorStats, ExecutorStats {};

inline RuntimeStats combined(const ReactorStats& reactor, const ExecutorStats& executor) noexcept {
  return RuntimeStats{reactor, executor};
}

/// UsageError if the options ask for an ablation that the home hasn't, or for one on another backend than epoll.
void check_ablation(const HomeDescription& home, const RuntimeOptions& options);
/// Of a home with N workers. UsageError if the options can't be.
RuntimeInfo info_with_workers(const HomeDescription& home, Locking locking, const RuntimeOptions& options);
/// UsageError on one of the executor's own threads.
void check_not_on_worker(const Executor& executor);

class IRuntime {
 public:
  using Ref = VirtualRef;

  /// shutdown(Duration::zero()), then gives every thread and descriptor back. Confined: on its own thread. As for any object, no
  /// other thread may be inside a call of it.
  ///
  /// Inside one of its own tasks, `delete` (so the end of the last owning pointer) is put off: the block_on or shutdown under way
  /// that returns last ends the runtime; if there is none, a thread made for it does so at once. A runtime that isn't deleted, a
  /// local for instance, can't wait: to destroy that one inside its own task ends the program with a UsageError.
  virtual ~IRuntime() = default;

  virtual const RuntimeInfo& info() const noexcept = 0;

  /// Starts a task. Any thread. After shutdown began the task is destroyed unrun and its join says so.
  template <class T>
  JoinHandle<T> spawn(Task<T> task) {
    return spawn_on(executor(), std::move(task));
  }

  /// Runs a task to its end and returns its result, or throws its exception. Confined runtimes run on the calling thread, which
  /// must be the one that made them; others block it while their workers run. UsageError from inside a task.
  template <class T>
  T block_on(Task<T> task) {
    check_block_on();
    const Call call{*this};
    JoinHandle<T> root = spawn(std::move(task));
    drive_until_done(*root.header());
    return root.wait();
  }

  /// Orderly end: listeners refuse newcomers at once, tasks have until `drain` to finish, the rest are destroyed, handles find
  /// -ESHUTDOWN from then on. Idempotent. Any thread, several at once, too: each returns after the end, and the least patient
  /// `drain` counts. Confined: on its own thread (UsageError elsewhere). Never from one of its tasks (UsageError).
  virtual void shutdown(Duration drain) = 0;

  /// A consistent-enough reading; exact when nothing runs. Confined: on its own thread.
  virtual RuntimeStats stats() = 0;

  virtual Executor& executor() noexcept = 0;

  /// How new handles reach the reactor. UsageError on a thread that may not register (see Capabilities).
  VirtualRef ref() { return virtual_ref(); }

 protected:
  /// Around every call in which a task may delete the runtime.
  class Call {
   public:
    explicit Call(IRuntime& runtime) noexcept : runtime_{runtime} { runtime_.enter(); }
    Call(const Call&) = delete;
    ~Call() { runtime_.leave(); }

   private:
    IRuntime& runtime_;
  };
  virtual void enter() noexcept {}
  /// Nothing of the runtime is touched afterwards.
  virtual void leave() noexcept {}

  virtual VirtualRef virtual_ref() = 0;
  virtual void check_block_on() const = 0;
  /// Confined: drives tasks and reactor until that task is done. Others return at once.
  virtual void drive_until_done(const TaskHeader& root) = 0;
};

// --- every home, by name (generated from the folders of impls/) -----------------------------------------------------------------

/// The names make_runtime() knows, in alphabetical order.
std::span<const std::string_view> runtime_names() noexcept;

/// Throws UsageError for an unknown name (with the list) or options that can't be, std::system_error if the kernel refuses.
std::unique_ptr<IRuntime> make_runtime(std::string_view name, const RuntimeOptions& options = {});

}  // namespace reactorlab
