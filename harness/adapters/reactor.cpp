#include "harness/adapters/reactor.hpp"

#include "core/join.hpp"

namespace reactorlab::adapters {
namespace {

/// What core's reactor asks a poller for, as far as a peer has it: readiness itself is pushed (PeerReactor::ready).
class PeerPoller final : public Poller {
 public:
  explicit PeerPoller(Loop& loop) noexcept : loop_{loop} {}

  IoResult add(int fd, Token token, Interest) noexcept override { return fd < 0 ? IoResult{0} : loop_.open(fd, token); }
  IoResult modify(int, Token, Interest) noexcept override { return 0; }  // waits say what they are for
  IoResult remove(int) noexcept override { return 0; }                   // PeerReactor has done it, by the token
  IoResult wait(std::span<Event>, int) noexcept override { return 0; }
  void kick() noexcept override {}
  int kick_fd() const noexcept override { return -1; }  // the peer wakes itself

 private:
  Loop& loop_;
};

}  // namespace

PeerReactor::PeerReactor(std::unique_ptr<Loop> loop, Shape shape)
    : SharedRegistrations{std::make_unique<PeerPoller>(*loop)}, loop_{std::move(loop)}, shape_{shape} {}

IoResult PeerReactor::add(int fd, SourceKind kind, Interest interest, Registration*& out) noexcept {
  return usable_here() ? SharedRegistrations::add(fd, kind, interest, out) : IoResult{-EXDEV};
}

IoResult PeerReactor::widen(Registration& slot, int fd, Interest interest) noexcept {
  return usable_here() ? SharedRegistrations::widen(slot, fd, interest) : IoResult{-EXDEV};
}

Armed PeerReactor::arm(Registration& slot, Direction direction, TaskHeader& task, std::uint64_t& identity) noexcept {
  if (!usable_here()) return Armed::misplaced;
  const Armed armed = SharedRegistrations::arm(slot, direction, task, identity);
  if (armed != Armed::parked) return armed;
  const std::uint64_t life = identity & readiness::generation_mask;  // that it parked in
  const Token token = life | static_cast<std::uint32_t>(reactor_.slab().token_of(slot));
  if (loop_->watch(token, direction)) return armed;
  SharedRegistrations::disarm(slot, direction, identity, task);
  return Armed::refused;
}

bool PeerReactor::is_parked(const Registration& slot, Direction direction, const TaskHeader& task) noexcept {
  return SharedRegistrations::is_parked(slot, direction, task);
}

void PeerReactor::disarm(Registration& slot, Direction direction, std::uint64_t identity, const TaskHeader& task) noexcept {
  SharedRegistrations::disarm(slot, direction, identity, task);
}

IoResult PeerReactor::start_timer(Timer& timer, TimePoint deadline) noexcept {
  if (!usable_here()) return -EXDEV;
  LockGuard lock{mutex_};  // until it is started: refuse() finds it then
  return refuses(0) ? IoResult{-ESHUTDOWN} : loop_->start_timer(timer, deadline);
}

void PeerReactor::stop_timer(Timer& timer) noexcept {
  if (usable_here()) loop_->stop_timer(timer);
}

void PeerReactor::refuse(bool listeners_only) noexcept {
  SharedRegistrations::refuse(listeners_only);
  // A timer that pends still is another runtime's task's, and nobody is left to fire it.
  if (!listeners_only) loop_->refuse_timers();
}

void PeerReactor::ready(Token token, std::uint32_t mask) noexcept {
  WakeBatch batch;
  {
    LockGuard lock{mutex_};
    // A word that nobody parks in stays as it is: the wait belonged to an operation that was given up.
    Registration& slot = reactor_.slab().slot_at(token);
    if (!(slot.word(Direction::read).load(relaxed) & readiness::parked)) mask &= ~std::uint32_t{EPOLLIN | EPOLLPRI | EPOLLRDHUP};
    if (!(slot.word(Direction::write).load(relaxed) & readiness::parked)) mask &= ~std::uint32_t{EPOLLOUT};
    const Event event{mask, token};
    reactor_.dispatch<access>(std::span{&event, 1}, Sink{*this, batch});
  }
  batch.deliver_anywhere();
}

ReactorStats PeerReactor::stats() noexcept {
  LockGuard lock{mutex_};
  ReactorStats stats = stats_locked();
  stats.pending_timers = loop_->pending_timers();
  return stats;
}

// --- removals ---------------------------------------------------------------------------------------------------------------

void PeerReactor::remove(Registration& slot, int fd, FdFate fate) noexcept {
  usable_here() ? remove_here(slot, fd, fate) : remove_elsewhere(slot, fd, fate);
}

void PeerReactor::remove_here(Registration& slot, int fd, FdFate fate) noexcept {
  loop_->forget(reactor_.slab().token_of(slot));
  SharedRegistrations::remove(slot, fd, fate);
}

/// The loop is its own thread's, so the removal is passed on to it. Its task may be destroyed unrun; then the runtime's end carries
/// the removal out.
void PeerReactor::remove_elsewhere(Registration& slot, int fd, FdFate fate) noexcept {
  LockGuard lock{removals_mutex_};
  if (!executor_) return remove_here(slot, fd, fate);
  removals_.push_back({&slot, fd, fate});
  spawn_on(*executor_, carry_out(shared_from_this())).detach();
}

Task<> PeerReactor::carry_out(std::shared_ptr<PeerReactor> reactor) {
  reactor->carry_out_removals();
  co_return;
}

void PeerReactor::carry_out_removals() noexcept {
  std::vector<Removal> removals;
  {
    LockGuard lock{removals_mutex_};
    removals.swap(removals_);
  }
  for (const Removal& removal : removals) remove_here(*removal.slot, removal.fd, removal.fate);
}

void PeerReactor::set_executor(PostingExecutor* executor) noexcept {
  {
    LockGuard lock{removals_mutex_};
    executor_ = executor;
  }
  carry_out_removals();
}

}  // namespace reactorlab::adapters
