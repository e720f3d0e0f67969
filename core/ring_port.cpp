#include "core/ring_port.hpp"

#include "core/error.hpp"
#include "core/mutation.hpp"
#include "core/sys.hpp"

namespace reactorlab {
namespace {

UniqueFd opened_kick() {
  const long fd = sys::eventfd();
  if (fd < 0) throw_errno(static_cast<int>(-fd), "eventfd", "raise the limit of open files (ulimit -n) or close some");
  return UniqueFd{static_cast<int>(fd)};
}

}  // namespace

RingPort::RingPort(RingUse use, RingSizes sizes) : use_{use}, ring_{use, sizes}, kick_{opened_kick()} {}

io_uring_sqe* RingPort::queue() noexcept {
  io_uring_sqe* entry = ring_.queue();
  if (!entry && ring_.submit(ring_.publish())) entry = ring_.queue();
  return entry;
}

void RingPort::hand_over() noexcept {
  if (use_ == RingUse::any_thread && waiting_ && waits_at != this) kick();
}

IoResult RingPort::wait(int timeout_ms) noexcept {
  unsigned count;
  {
    auto held = lock();
    count = ring_.publish();
  }
  // If another thread hands some of them over meanwhile, the call takes fewer than it was told of, and doesn't wait: an idle turn.
  return ring_.wait(count, timeout_ms);
}

void RingPort::announce(bool waiting) noexcept {
  if (use_ == RingUse::one_thread) return;
  waits_at = this;
  LockGuard lock{mutex_};
  waiting_ = waiting;
}

void RingPort::flush() noexcept {
  if (use_ == RingUse::one_thread) return;
  unsigned count;
  {
    LockGuard lock{mutex_};
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
