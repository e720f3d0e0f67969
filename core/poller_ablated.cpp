// What others do with epoll, to be compared with poller_epoll.cpp: ablation.hpp.

#include <array>
#include <utility>

#include "core/poller_epoll.hpp"
#include "core/slab.hpp"
#include "core/sys.hpp"

namespace reactorlab {
namespace {

/// A source is reported as long as it is ready (level), or once until it is armed again, which is done before the next wait
/// (oneshot). Interest in writing lasts until it is reported, else an idle connection would be reported for ever; the operation
/// that parks again asks for it again. Confined to a thread: by the next wait everybody who was woken has read. What nobody reads
/// is reported in every turn.
class RearmingPoller final : public EpollPoller {
 public:
  RearmingPoller(Slab& slab, bool oneshot)
      : EpollPoller{oneshot ? std::uint32_t{EPOLLONESHOT} : 0}, slab_{slab}, oneshot_{oneshot} {}

  IoResult wait(std::span<Event> events, int timeout_ms) noexcept override {
    for (std::size_t i = 0; i < reported_; ++i) rearm(tokens_[i]);
    reported_ = 0;
    const IoResult n = EpollPoller::wait(events, timeout_ms);
    for (const Event& event : events.first(n ? n.count() : 0)) note(event);
    return n;
  }
  std::uint64_t rearms() const noexcept override { return rearms_; }

 private:
  void note(const Event& event) noexcept {
    Registration* const slot = living(event.token);
    if (!slot) return;
    if (event.mask & EPOLLOUT) {
      slot->interest.store(covers(slot->interest.load(relaxed), Interest::read) ? Interest::read : Interest::none, relaxed);
      if (!oneshot_) rearm(event.token);
    }
    if (oneshot_) tokens_[reported_++] = event.token;
  }
  void rearm(Token token) noexcept {
    Registration* const slot = living(token);
    if (!slot) return;
    ++rearms_;
    (void)modify(slot->fd.load(relaxed), token, slot->interest.load(relaxed));
  }
  /// nullptr: it was removed since, or is the kick, which stays edge-triggered.
  Registration* living(Token token) const noexcept {
    Registration& slot = slab_.slot_at(token);
    return readiness::same_life(slot.words[0].load(relaxed), token) && slot.fd.load(relaxed) != kick_fd() ? &slot : nullptr;
  }

  Slab& slab_;
  const bool oneshot_;
  std::array<Token, batch> tokens_;  // of the last wait's reports, to be armed again
  std::size_t reported_ = 0;
  std::uint64_t rearms_ = 0;
};

/// Only the thread that waits calls epoll_ctl; others hand it a command and sleep until it has been carried out. While nobody waits
/// here (before the first wait, and from flush() on) they call it themselves. Interest is widened by the caller, too: it holds the
/// home's mutex, for which the thread may have to wait before it comes here.
class CommandedPoller final : public EpollPoller {
 public:
  CommandedPoller() : EpollPoller{std::uint32_t{EPOLLET}} {}

  IoResult add(int fd, Token token, Interest interest) noexcept override {
    Command command{.fd = fd, .token = token, .interest = interest, .adds = true};
    return command_thread(command);
  }
  IoResult remove(int fd) noexcept override {
    Command command{.fd = fd};
    return command_thread(command);
  }
  IoResult wait(std::span<Event> events, int timeout_ms) noexcept override {
    carry_out_queued(/*served=*/true);
    return EpollPoller::wait(events, timeout_ms);
  }
  void flush() noexcept override { carry_out_queued(/*served=*/false); }

 private:
  struct Command {
    int fd;
    Token token = 0;
    Interest interest = Interest::none;
    bool adds = false;
    Command* next = nullptr;
    IoResult result{};
    Atomic<std::uint32_t> done{0};
  };

  IoResult command_thread(Command& command) noexcept {
    {
      LockGuard lock{mutex_};
      if (!served_) return carry_out(command);
      *last_ = &command;
      last_ = &command.next;
    }
    kick();
    while (command.done.load(acquire) == 0) sys::futex_wait(command.done, 0);
    return command.result;
  }
  IoResult carry_out(const Command& command) noexcept {
    return command.adds ? EpollPoller::add(command.fd, command.token, command.interest) : EpollPoller::remove(command.fd);
  }
  void carry_out_queued(bool served) noexcept {
    Command* command;
    {
      LockGuard lock{mutex_};
      served_ = served;
      command = std::exchange(first_, nullptr);
      last_ = &first_;
    }
    while (command) {
      Command* const next = command->next;
      command->result = carry_out(*command);
      command->done.store(1, release);  // from here on it may be gone; a wake too many does no harm
      sys::futex_wake(command->done);
      command = next;
    }
  }

  PlainMutex mutex_;
  bool served_ = false;       // guarded by mutex_, as are the following
  Command* first_ = nullptr;  // first in, first out
  Command** last_ = &first_;
};

}  // namespace

std::unique_ptr<Poller> make_ablated_poller(Ablation ablation, Slab& slab) {
  switch (ablation) {
    case Ablation::level_triggered: return std::make_unique<RearmingPoller>(slab, /*oneshot=*/false);
    case Ablation::oneshot: return std::make_unique<RearmingPoller>(slab, /*oneshot=*/true);
    case Ablation::registration_command: return std::make_unique<CommandedPoller>();
    case Ablation::none:
    case Ablation::held_lock:
    case Ablation::no_batch_class:
    case Ablation::kick_per_command:
    case Ablation::handoff_per_event:
    case Ablation::spin_then_park: return nullptr;
  }
  return nullptr;
}

}  // namespace reactorlab
