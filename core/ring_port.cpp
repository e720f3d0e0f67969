#include "core/ring_port.hpp"

#include "core/error.hpp"
#include "core/mutation.hpp"
#include "core/sys_uring.hpp"

namespace reactorlab {
namespace {

UniqueFd opened_kick() {
  const long fd = sys::eventfd();
  if (fd < 0) throw_errno(static_cast<int>(-fd), "eventfd", "raise the limit of open files (ulimit -n) or close some");
  return UniqueFd{static_cast<int>(fd)};
}

}  // namespace

RingPort::RingPort(RingUse use, RingSizes sizes) : use_{use}, ring_{use, sizes}, kick_{opened_kick()} {}

io_uring_sqe* RingPort::queue(std::uint64_t user_data) noexcept {
  if (!sys::may_queue(ring_.fd(), static_cast<long>(request_of(user_data)))) return nullptr;
  io_uring_sqe* entry = ring_.queue();
  if (!entry && ring_.submit(ring_.publish())) entry = ring_.queue();
  if (entry) [[likely]]
    entry->user_data = user_data;
  return entry;
}

void RingPort::cancel(std::uint64_t target) noexcept {
  io_uring_sqe* const entry = queue(user_data(name_in(target), RingRequest::cancel));
  if (!entry) {
    owes_cancel_ = true;
    return fall_behind();
  }
  entry->opcode = IORING_OP_ASYNC_CANCEL;  // POLL_REMOVE fails (-EALREADY) while the poll is about to report
  entry->flags = IOSQE_CQE_SKIP_SUCCESS;
  entry->addr = target;
}

void RingPort::cancel_everything() noexcept {
  io_uring_sqe* const entry = queue(user_data(0, RingRequest::cancel));
  owes_cancel_ = !entry;
  if (!entry) return fall_behind();
  entry->opcode = IORING_OP_ASYNC_CANCEL;
  entry->flags = IOSQE_CQE_SKIP_SUCCESS;
  entry->cancel_flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
}

void RingPort::fall_behind() noexcept {
  if (mutated(Mutant::full_submission_queue_drops)) return;
  behind_.store(true, relaxed);
  if (use_ == RingUse::any_thread) kick();  // it may be asleep already
}

// A cancel that wasn't queued named a request that its owner has forgotten by now: all of them end, and who goes on asks anew.
void RingPort::catch_up() noexcept {
  behind_.store(false, relaxed);
  if (owes_cancel_) cancel_everything();
}

void RingPort::hand_over() noexcept {
  if (use_ == RingUse::one_thread || !waiting_ || waits_at == number_) return;
  waiting_ = false;  // that wait is ended; whatever is queued until the next one goes with it
  kick();
}

IoResult RingPort::wait(int timeout_ms) noexcept {
  unsigned count;
  {
    auto held = lock();
    count = ring_.publish();
    waiting_ = announced_;
  }
  // If another thread hands some of them over meanwhile, the call takes fewer than it was told of, and doesn't wait: an idle turn.
  return ring_.wait(count, timeout_ms);
}

void RingPort::announce(bool waiting) noexcept {
  if (use_ == RingUse::one_thread) return;
  waits_at = number_;
  LockGuard lock{mutex_};
  announced_ = waiting_ = waiting;
}

void RingPort::flush() noexcept {
  if (use_ == RingUse::one_thread) return;
  unsigned count;
  {
    LockGuard lock{mutex_};
    if (!waiting_) return;  // the next wait takes them along
    count = ring_.publish();
  }
  if (count != 0) (void)ring_.submit(count);
}

// Edge-triggered, an eventfd reports every write, so nobody ever has to read it.
void RingPort::kick() noexcept {
  const std::uint64_t one = 1;
  while (sys::write(kick_.get(), &one, sizeof one) == -EINTR && !mutated(Mutant::interrupted_kick_dropped)) {
  }
}

}  // namespace reactorlab
