#include "impls/thread_local/home.hpp"

#include <algorithm>
#include <vector>

#include "core/immortal.hpp"

namespace reactorlab::thread_local_home {
namespace {

/// All living homes, so that a handle that is dropped elsewhere finds its owner. Cold.
struct Owners {
  PlainMutex mutex;
  std::vector<Home*> homes;  // guarded by mutex
};
Owners& owners() noexcept {
  static Immortal<Owners> instance;
  return instance.get();
}

/// A removal on its way to the owner; carried out there, whether its task runs or is destroyed by shutdown.
class Removal {
 public:
  Removal(Registration& slot, int fd, FdFate fate) noexcept : slot_{&slot}, fd_{fd}, fate_{fate} {}
  Removal(Removal&& other) noexcept : slot_{std::exchange(other.slot_, nullptr)}, fd_{other.fd_}, fate_{other.fate_} {}
  ~Removal() {
    if (slot_) Ref{}.remove(*slot_, fd_, fate_);
  }

 private:
  Registration* slot_;
  int fd_;
  FdFate fate_;
};

Task<> carry_out(Removal) { co_return; }

RuntimeOptions checked(const RuntimeOptions& options) {
  check_ablation(Home::description, options);
  if (options.workers != 1) {
    throw UsageError{
        "thread_local runs on the thread that made it, so workers must be 1 (remedy: one runtime per thread, "
        "sharing a port by SO_REUSEPORT, as `bench serve --workers=N` does)"};
  }
  if (here) {
    throw UsageError{
        "this thread has a thread_local runtime already (remedy: destroy it first, or make the second one on "
        "another thread)"};
  }
  return options;
}

}  // namespace

Home::Home(const RuntimeOptions& options)
    : info_{description.name, checked(options).backend, Locking::fine, 1, description.capabilities, options.ablation},
      reactor_{options.backend, options.ablation},
      executor_{reactor_} {
  LockGuard lock{owners().mutex};
  owners().homes.push_back(this);
  here = &reactor_;
  registrations_here = reactor_.reactor().slab().base();
}

Home::~Home() {
  shut_down(TimePoint{});
  {
    // From here on handles that are dropped elsewhere don't look for us any more.
    LockGuard lock{owners().mutex};
    std::erase(owners().homes, this);
  }
  shut_down(TimePoint{});  // removals that came until then
  if (mutated(Mutant::thread_slot_not_cleared)) return;
  here = nullptr;
  registrations_here = nullptr;
}

Ref Home::ref() const {
  if (here != &reactor_ && !mutated(Mutant::foreign_registration_accepted)) {
    throw UsageError{"a thread_local runtime registers handles and timers on its own thread only (remedy: spawn a task there)"};
  }
  return {};
}

void Home::check_block_on() const {
  if (here != &reactor_) throw UsageError{"a thread_local runtime is driven by the thread that made it"};
  if (executor_.running() && !mutated(Mutant::nested_block_on_accepted))
    throw UsageError{"block_on inside a task of the same runtime would deadlock; co_await the task"};
}

void Home::shut_down(TimePoint until) noexcept {
  reactor_.refuse(/*listeners_only=*/true);
  executor_.shut_down(until);
  reactor_.refuse(/*listeners_only=*/false);
}

RuntimeStats Home::stats() {
  RuntimeStats stats = combined(reactor_.reactor().stats(), executor_.stats());
  stats.turns = executor_.turns();
  stats.kicks = executor_.kicks();
  return stats;
}

void remove_elsewhere(Registration& slot, int fd, FdFate fate) noexcept {
  LockGuard lock{owners().mutex};
  const auto owner = std::find_if(owners().homes.begin(), owners().homes.end(), [&](Home* home) { return home->owns(slot); });
  if (owner != owners().homes.end()) return spawn_on((*owner)->executor(), carry_out(Removal{slot, fd, fate})).detach();
  Slab::surrender(slot);
  if (fate == FdFate::close) sys::close(fd);
}

}  // namespace reactorlab::thread_local_home
