#pragma once
// The reactor: registrations + timer wheel + poller. Unsynchronised; the home decides how it is reached (local_reactor.hpp:
// confinement; shared_reactor.hpp: a mutex).

#include <sys/epoll.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>

#include "core/poller.hpp"
#include "core/registration.hpp"
#include "core/slab.hpp"
#include "core/sys.hpp"
#include "core/timer_wheel.hpp"
#include "core/wake_batch.hpp"

namespace reactorlab {

/// A pending sleep. `fired` is what its operation looks at: the wheel's own fields are the reactor's.
struct Timer : TimerEntry {
  Atomic<bool> fired{false};
  bool refused = false;  ///< written before `fired`: the reactor has ended, not the time
  Owner owner = 0;       ///< whose shutdown ends it

  /// It ends without its time having come. Its operation may be gone as soon as it sees that.
  void refuse() noexcept {
    refused = true;
    fired.store(true, release);
  }
};

/// Whether removing a registration closes the descriptor too. The order is always deregister, then close.
enum class FdFate : std::uint8_t { keep, close };

/// The wait that ends at or after the deadline: rounded up to milliseconds, clamped, -1 for UINT64_MAX. Reads the clock.
int wait_timeout_ms(std::uint64_t deadline_ns) noexcept;

/// When a pending timer is due: its deadline rounded up to a tick; UINT64_MAX for "never".
inline std::uint64_t rounded_deadline_ns(const TimerEntry& entry) noexcept {
  return entry.deadline_tick > UINT64_MAX >> TimerWheel::tick_shift ? UINT64_MAX : entry.deadline_tick << TimerWheel::tick_shift;
}

struct ReactorStats {
  std::uint64_t registrations = 0;
  std::uint64_t waiters = 0;
  std::uint64_t pending_timers = 0;
  std::uint64_t turns = 0;
  std::uint64_t events = 0;
  std::uint64_t kicks = 0;
  std::uint64_t epoll_ctl_calls = 0;
  std::uint64_t lock_acquisitions = 0;
  std::uint64_t lock_contentions = 0;
};

class Reactor {
 public:
  /// `use`: which threads call announce() and the like. Throws std::system_error with cause and remedy, std::bad_alloc.
  Reactor(Backend backend, RingUse use, Ablation ablation = Ablation::none);
  /// On somebody else's poller; its kick_fd() may be -1: it wakes by means of its own.
  explicit Reactor(std::unique_ptr<Poller> poller);
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // --- registrations; `slab` calls need the home's exclusion, `kernel` calls don't ---------------------------------------

  /// slab. The slot exists, and keeps edges, before the kernel knows of it (REG-08). nullptr: no memory.
  Registration* reserve(int fd, SourceKind kind, Owner owner = 0) noexcept;
  /// kernel. 0 or -errno.
  IoResult announce(Registration& slot, int fd, Interest interest) noexcept;
  /// kernel. Adds to what the kernel reports; the registration must not be removed meanwhile.
  IoResult widen(Registration& slot, int fd, Interest interest) noexcept;
  /// kernel. No further report. -errno if there was nothing to forget: its owner closed a borrowed descriptor first.
  IoResult withdraw(int fd) noexcept;
  /// slab. Ends the slot's life; everybody parked on it goes to `wake(TaskHeader&)` and `waiters`.
  template <class Wake>
  void retire_slot(Registration& slot, Wake&& wake, WaiterList& waiters) noexcept;

  /// A further waiter that is in no list yet: add_waiter() takes it, drop_waiter() frees it. nullptr: no memory.
  static Waiter* make_waiter(Direction direction, const TaskHeader& task) noexcept;
  static void drop_waiter(Waiter* waiter) noexcept { FramePool::deallocate(waiter, sizeof(Waiter)); }
  /// Further waiters; exclusion.
  static void add_waiter(Registration& slot, Waiter& waiter) noexcept;
  static bool has_waiter(const Registration& slot, Direction direction, const TaskHeader& task) noexcept;
  static bool remove_waiter(Registration& slot, Direction direction, const TaskHeader& task) noexcept;
  static bool any_waiter(const Registration& slot, Direction direction) noexcept;
  static void take_waiters(Registration& slot, Direction direction, WaiterList& into) noexcept;

  // --- one turn -----------------------------------------------------------------------------------------------------------

  /// Sink: task(TaskHeader&) for a task an edge took out; crowd(Registration&, Direction) for further waiters.
  template <Access access, class Sink>
  void dispatch(std::span<const Event> events, Sink&& sink) noexcept;

  /// Marks every registration of that owner (or only its listeners) as shut down; whoever is parked there is woken and finds
  /// -ESHUTDOWN. Nobody: every owner's.
  template <Access access, class Sink>
  void refuse(bool listeners_only, std::optional<Owner> owner, Sink&& sink) noexcept;

  Slab& slab() noexcept { return slab_; }
  bool slab_owns(const Registration& slot) const noexcept { return slab_.owns(slot); }
  /// After a further waiter left: drops the marks that announced it if it was the last. Exclusion.
  template <Access access>
  static void settle_crowd(Registration& slot, Direction direction) noexcept;
  TimerWheel& wheel() noexcept { return wheel_; }
  Poller& poller() noexcept { return *poller_; }
  /// Registrations, waiters, timers and epoll_ctl calls; the rest is the home's to fill in. Exclusion. Whoever reads here that an
  /// operation waits has seen all that its task did before it parked, so it may close the handle.
  ReactorStats stats() noexcept;

 private:
  void announce_kick();

  template <Access access, class Sink>
  [[gnu::noinline]] void dispatch_other(const Event& event, Sink& sink) noexcept;

  Slab slab_;
  TimerWheel wheel_;
  std::unique_ptr<Poller> poller_;
  Registration* kick_slot_;
  Atomic<std::uint64_t> epoll_ctl_calls_{0};
};

inline constexpr std::uint32_t read_mask = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
inline constexpr std::uint32_t write_mask = EPOLLOUT | EPOLLHUP | EPOLLERR;

template <Access access, class Sink>
[[gnu::always_inline]] inline void Reactor::dispatch(std::span<const Event> events, Sink&& sink) noexcept {
  if (mutated(Mutant::first_events_only)) events = events.first(std::min<std::size_t>(events.size(), 64));
  [[maybe_unused]] std::uint32_t last = 0;  // a mutant's
  for (const Event& event : events) {
    const Token token = event.token;
    const auto place = static_cast<std::uint32_t>(token);
    if (mutated(Mutant::events_assumed_sorted) && place < std::exchange(last, place)) continue;
    auto& word = slab_.slot_at(token).words[0];
    std::uint64_t now = word.load(relaxed);
    // The common case: only readable, and a task of this very life parked with nobody behind it. What is left of the word
    // beside that is then the task's offset.
    const std::uint64_t identity = token & readiness::generation_mask;
    const std::uint64_t rest = now ^ identity ^ readiness::parked;
    if (event.mask == EPOLLIN && (rest & (readiness::generation_mask | readiness::flags)) == 0 &&
        !mutated(Mutant::waiter_not_taken_on_wake)) [[likely]] {
      // PARKED(task) -> TOLD(task). Losing (atomic): the slow path looks again.
      if (readiness::advance<access>(word, now, now ^ readiness::parked)) [[likely]] {
        sink.task(TaskArena::at(static_cast<std::uint32_t>(rest)));
        continue;
      }
    }
    if (mutated(Mutant::stale_event_ends_batch) && (!readiness::same_life(now, token) || (now & readiness::closed))) return;
    dispatch_other<access>(event, sink);
  }
  if (mutated(Mutant::word_cleared_after_wake)) {
    for (const Event& event : events) slab_.slot_at(event.token).words[0].store(event.token & readiness::generation_mask, relaxed);
  }
}

template <Access access, class Sink>
void Reactor::dispatch_other(const Event& event, Sink& sink) noexcept {
  const Token token = event.token;
  if (!slab_.issued(token)) return;
  Registration& slot = slab_.slot_at(token);
  const std::uint32_t mask = event.mask;
  // An error wakes both directions but isn't an end: a datagram socket's is gone once it has been reported.
  const bool hung_up = (mask & (EPOLLHUP | (mutated(Mutant::error_taken_for_end) ? std::uint32_t{EPOLLERR} : 0))) != 0;
  const auto deliver = [&](Direction direction, bool sticky_end, bool again) noexcept {
    const readiness::Edge edge = readiness::edge<access>(slot.word(direction), token, sticky_end, again);
    if (edge.crowd) sink.crowd(slot, direction);
    if (edge.task) sink.task(*edge.task);
  };
  const std::uint32_t confused = mutated(Mutant::directions_confused) ? EPOLLIN | EPOLLOUT : 0;
  const std::uint32_t reads = mutated(Mutant::hangup_ignored) ? std::uint32_t{EPOLLIN} : read_mask;
  if (mask & (reads | confused)) {
    deliver(Direction::read, hung_up || (mask & EPOLLRDHUP), (mask & EPOLLPRI) && !mutated(Mutant::urgent_not_revisited));
  }
  const bool fold = mutated(Mutant::half_close_ends_writing) && (mask & EPOLLRDHUP);
  const std::uint32_t writes = mutated(Mutant::hangup_ignored) ? std::uint32_t{EPOLLOUT} : write_mask;
  if ((mask & (writes | confused)) || fold) deliver(Direction::write, hung_up || fold, false);
}

template <Access access>
void Reactor::settle_crowd(Registration& slot, Direction direction) noexcept {
  if (any_waiter(slot, direction)) return;
  auto& word = slot.word(direction);
  std::uint64_t now = word.load(relaxed);
  // PARKED(task) MORE -> PARKED(task); PARKED(nobody) MORE -> empty. Losing: the word moved on; MORE is only set under the
  // exclusion that we hold, so once it is gone there is nothing left to do.
  while (now & readiness::more) {
    const bool nobody = readiness::task_offset(now) == 0;
    if (readiness::advance<access>(word, now, now & ~(readiness::more | (nobody ? readiness::parked : 0)))) return;
  }
}

template <Access access, class Sink>
void Reactor::refuse(bool listeners_only, std::optional<Owner> owner, Sink&& sink) noexcept {
  if (mutated(Mutant::dead_reactor_accepts_waiters)) return;
  slab_.for_each_live([&](Registration& slot) {
    if (&slot == kick_slot_ || (listeners_only && slot.kind != SourceKind::listener)) return;
    if (owner && slot.owner != *owner && !mutated(Mutant::shutdown_refuses_everybody)) return;
    for (const Direction direction : {Direction::read, Direction::write}) {
      auto& word = slot.word(direction);
      std::uint64_t now = word.load(relaxed);
      // any -> the same life, nobody parked, SHUTDOWN. Losing (atomic): look again.
      while (!(now & readiness::closed) &&
             !readiness::advance<access>(word, now, (now & readiness::generation_mask) | readiness::shutdown)) {
      }
      if ((now & readiness::closed) || mutated(Mutant::shutdown_wakes_nobody)) continue;
      if (now & readiness::more) sink.crowd(slot, direction);
      const std::uint32_t offset = readiness::task_offset(now);
      if ((now & readiness::parked) && offset) sink.task(TaskArena::at(offset));
    }
  });
}

template <class Wake>
void Reactor::retire_slot(Registration& slot, Wake&& wake, WaiterList& waiters) noexcept {
  const std::uint64_t ended = slot.words[0].load(relaxed) & readiness::generation_mask;
  for (const Direction direction : {Direction::read, Direction::write}) {
    // any -> CLOSED of the same life, so that a late edge or arm finds nothing here.
    const std::uint64_t before = slot.word(direction).exchange(ended | readiness::closed, acq_rel);
    const std::uint32_t offset = readiness::task_offset(before);
    take_waiters(slot, direction, waiters);
    if ((before & readiness::parked) && offset && !mutated(Mutant::remove_keeps_waiters)) wake(TaskArena::at(offset));
  }
  slab_.remove(slot);
}

}  // namespace reactorlab
