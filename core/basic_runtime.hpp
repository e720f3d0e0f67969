#pragma once
// The shared shell of every home: BasicRuntime<Home> is the runtime's static form, and through IRuntime its virtual one.

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

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
  { home.shut_down(until) };  // idempotent; afterwards no task and no thread is left
  { home.stats() } -> std::same_as<RuntimeStats>;
};

template <ReactorHome Home>
class BasicRuntime final : public IRuntime {
 public:
  using Ref = typename Home::Ref;
  static constexpr const HomeDescription& description = Home::description;

  explicit BasicRuntime(const RuntimeOptions& options) : home_{options} {}
  ~BasicRuntime() override { home_.shut_down(TimePoint{}); }

  const RuntimeInfo& info() const noexcept override { return home_.info(); }
  Executor& executor() noexcept override { return home_.executor(); }
  RuntimeStats stats() override { return home_.stats(); }

  void shutdown(Duration drain) override {
    home_.check_block_on();
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
