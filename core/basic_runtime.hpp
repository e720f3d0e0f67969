#pragma once
// The shared shell of every home: BasicRuntime<Home> is the runtime's static form, and through IRuntime its virtual one.

#include <concepts>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "core/calls_under_way.hpp"
#include "core/clock.hpp"
#include "core/runtime.hpp"

namespace reactorlab {

/// What a folder of impls/ supplies: where the reactor lives, who may reach it, who drives it.
template <class H>
concept ReactorHome = ReactorRef<typename H::Ref> && requires(H& home, const H& const_home, const RuntimeOptions& options,
                                                              const TaskHeader& root, TimePoint until) {
  { H::description } -> std::convertible_to<HomeDescription>;
  H{options};  // validates; throws UsageError or std::system_error
  { const_home.info() } -> std::same_as<const RuntimeInfo&>;
  { home.executor() } -> std::convertible_to<Executor&>;
  { home.ref() } -> std::same_as<typename H::Ref>;  // UsageError on a thread that may not register
  { const_home.check_block_on() };                  // UsageError where block_on would deadlock
  { home.drive_until_done(root) };
  { home.shut_down(until) };  // idempotent; afterwards no task and no thread is left. Several threads at once, unless confined
  { home.stats() } -> std::same_as<RuntimeStats>;
};

template <ReactorHome Home>
class BasicRuntime final : public IRuntime {
 public:
  using Ref = typename Home::Ref;
  static constexpr const HomeDescription& description = Home::description;

  explicit BasicRuntime(const RuntimeOptions& options) : home_{options} {}
  ~BasicRuntime() override {
    home_.check_block_on();  // misuse can't be thrown from here: it ends the program, with its message
    home_.shut_down(TimePoint{});
  }
  /// What `delete` calls instead of the destructor: see ~IRuntime().
  static void operator delete(BasicRuntime* runtime, std::destroying_delete_t) noexcept {
    if (!runtime->inside_task() || mutated(Mutant::deletion_not_deferred)) return end(runtime);
    if (runtime->calls_.defer_end() || mutated(Mutant::deferred_end_forgotten)) return;
    Thread{[runtime] { end(runtime); }}.detach();
  }

  const RuntimeInfo& info() const noexcept override { return home_.info(); }
  Executor& executor() noexcept override { return home_.executor(); }
  RuntimeStats stats() override { return home_.stats(); }

  void shutdown(Duration drain) override {
    home_.check_block_on();
    const Call call{*this};
    home_.shut_down(clock::now() + drain);
  }

  /// Hides IRuntime::ref(): with the runtime's type known, handles are static all the way down.
  Ref ref() { return home_.ref(); }
  /// Hides IRuntime::spawn() likewise.
  template <class T>
  [[gnu::always_inline]] JoinHandle<T> spawn(Task<T> task) {
    return spawn_on(home_.executor(), std::move(task));
  }
  Home& home() noexcept { return home_; }

 private:
  VirtualRef virtual_ref() override {
    (void)home_.ref();  // the thread check
    return virtual_ref_;
  }
  void check_block_on() const override { home_.check_block_on(); }
  void drive_until_done(const TaskHeader& root) override { home_.drive_until_done(root); }
  void enter() noexcept override { calls_.enter(); }
  void leave() noexcept override {
    if (calls_.leave() && !mutated(Mutant::deferred_end_forgotten)) end(this);
  }

  /// A confined runtime's tasks run inside its calls only; on its thread there is also all that isn't a task.
  bool inside_task() noexcept { return home_.executor().on_own_thread() && (!Ref::confined || calls_.any()); }
  /// The destructor and the memory, past our own operator delete. Not inlined: g++ would warn wherever it sees a local runtime.
  [[gnu::noinline, gnu::cold]] static void end(BasicRuntime* runtime) noexcept { ::delete runtime; }

  CallsUnderWay calls_;
  Home home_;
  VirtualRef virtual_ref_{std::make_shared<ReactorOf<Ref>>(home_.ref())};
};

/// Calls use(std::type_identity<BasicRuntime<Home<locking>>>{}) with the locking that the options ask for.
template <template <Locking> class Home, class Use>
decltype(auto) with_locking(const RuntimeOptions& options, Use&& use) {
  switch (options.locking) {
    case Locking::coarse: return use(std::type_identity<BasicRuntime<Home<Locking::coarse>>>{});
    case Locking::fine: return use(std::type_identity<BasicRuntime<Home<Locking::fine>>>{});
  }
  throw UsageError{"unknown locking"};
}

/// For with_runtime_type(): makes a runtime of that type.
inline auto maker(const RuntimeOptions& options) noexcept {
  return [&options](auto type) -> std::unique_ptr<IRuntime> { return std::make_unique<typename decltype(type)::type>(options); };
}

}  // namespace reactorlab
