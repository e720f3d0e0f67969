#include "core/reactor.hpp"

#include <algorithm>
#include <climits>
#include <new>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace reactorlab {

int wait_timeout_ms(std::uint64_t deadline_ns) noexcept {
  if (mutated(Mutant::idle_wait_never_blocks)) return 0;
  if (mutated(Mutant::wait_has_a_cap)) deadline_ns = std::min(deadline_ns, nanoseconds_of(clock::now()) + 500'000'000);
  if (deadline_ns == UINT64_MAX) return -1;
  if (mutated(Mutant::default_wait_limit)) return 60'000;
  const std::uint64_t now = nanoseconds_of(clock::now());
  if (deadline_ns <= now) return mutated(Mutant::due_deadline_waits_for_ever) ? -1 : 0;
  constexpr std::uint64_t ns_per_ms = 1'000'000;
  if (mutated(Mutant::wait_rounded_down)) return static_cast<int>((deadline_ns - now) / ns_per_ms);
  const std::uint64_t ms = (deadline_ns - now + ns_per_ms - 1) / ns_per_ms;
  if (mutated(Mutant::wait_limit_overflows)) return static_cast<int>(ms);
  return ms > INT_MAX ? INT_MAX : static_cast<int>(ms);
}

Reactor::Reactor(Backend backend, RingUse use, Ablation ablation)
    : wheel_{nanoseconds_of(clock::now())}, poller_{make_poller(backend, use, slab_, ablation)} {
  announce_kick();
}

Reactor::Reactor(std::unique_ptr<Poller> poller) : wheel_{nanoseconds_of(clock::now())}, poller_{std::move(poller)} {
  announce_kick();
}

void Reactor::announce_kick() {
  kick_slot_ = reserve(poller_->kick_fd(), SourceKind::descriptor);
  if (!kick_slot_) throw std::bad_alloc{};
  const IoResult announced = announce(*kick_slot_, poller_->kick_fd(), Interest::read);
  if (!announced) {
    if (!mutated(Mutant::failed_reactor_keeps_range)) slab_.remove(*kick_slot_);
    throw_errno(announced.error(), "registering the reactor's own wake-up descriptor", "raise the limit of open files");
  }
}

Reactor::~Reactor() { slab_.remove(*kick_slot_); }

Registration* Reactor::reserve(int fd, SourceKind kind, Owner owner) noexcept {
  Registration* const slot = slab_.insert(fd);
  if (!slot) return nullptr;
  slot->kind = kind;
  slot->completes = kind != SourceKind::descriptor && poller_->completes();
  slot->owner = owner;
  return slot;
}

IoResult Reactor::announce(Registration& slot, int fd, Interest interest) noexcept {
  epoll_ctl_calls_.fetch_add(1, relaxed);
  slot.interest.store(slot.completes ? Interest::both : interest, relaxed);  // its operations see to themselves
  const IoResult added = poller_->add(fd, slab_.token_of(slot), interest);
  if (!added && mutated(Mutant::failed_add_deregisters)) (void)poller_->remove(fd);
  return added;
}

IoResult Reactor::widen(Registration& slot, int fd, Interest interest) noexcept {
  epoll_ctl_calls_.fetch_add(1, relaxed);
  const Interest wider = slot.interest.load(relaxed) | interest;
  const IoResult widened = poller_->modify(fd, slab_.token_of(slot), wider);
  // Only then: whoever finds it there parks without asking the kernel again.
  if (widened || mutated(Mutant::failed_widening_kept)) slot.interest.store(wider, relaxed);
  return widened;
}

IoResult Reactor::withdraw(int fd) noexcept {
  if (mutated(Mutant::kernel_registration_kept)) return 0;
  epoll_ctl_calls_.fetch_add(1, relaxed);
  return poller_->remove(fd);
}

Waiter* Reactor::make_waiter(Direction direction, const TaskHeader& task) noexcept {
  void* const memory = FramePool::try_allocate(sizeof(Waiter));
  return memory ? new (memory) Waiter{nullptr, Waker{task}, direction} : nullptr;
}

void Reactor::add_waiter(Registration& slot, Waiter& waiter) noexcept {
  Waiter** link = &slot.more;
  while (*link) link = &(*link)->next;
  *link = &waiter;
}

bool Reactor::has_waiter(const Registration& slot, Direction direction, const TaskHeader& task) noexcept {
  const Waker waker{task};
  for (const Waiter* w = slot.more; w; w = w->next) {
    if (w->direction == direction && w->waker == waker) return true;
  }
  return false;
}

bool Reactor::remove_waiter(Registration& slot, Direction direction, const TaskHeader& task) noexcept {
  const Waker waker{task};
  for (Waiter** link = &slot.more; *link; link = &(*link)->next) {
    Waiter* const w = *link;
    if (w->direction != direction || w->waker != waker) continue;
    *link = w->next;
    FramePool::deallocate(w, sizeof(Waiter));
    return true;
  }
  return false;
}

bool Reactor::any_waiter(const Registration& slot, Direction direction) noexcept {
  for (const Waiter* w = slot.more; w; w = w->next) {
    if (w->direction == direction) return true;
  }
  return false;
}

void Reactor::take_waiters(Registration& slot, Direction direction, WaiterList& into) noexcept {
  for (Waiter** link = &slot.more; *link;) {
    Waiter* const w = *link;
    if (w->direction != direction) {
      link = &w->next;
      continue;
    }
    *link = w->next;
    into.append(*w);
    if (mutated(Mutant::one_waiter_per_edge)) return;
  }
}

ReactorStats Reactor::stats() noexcept {
  ReactorStats stats;
  stats.registrations = slab_.live() - 1;  // without the wake-up descriptor
  stats.pending_timers = wheel_.size();
  stats.epoll_ctl_calls = epoll_ctl_calls_.load(relaxed) + poller_->rearms();
  slab_.for_each_live([&](Registration& slot) {
    for (const auto& word : slot.words) {
      const std::uint64_t now = word.load(acquire);
      if ((now & readiness::parked) && readiness::task_offset(now)) ++stats.waiters;
    }
    for (const Waiter* w = slot.more; w; w = w->next) ++stats.waiters;
  });
  return stats;
}

}  // namespace reactorlab
