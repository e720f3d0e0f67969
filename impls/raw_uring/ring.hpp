#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <liburing.h>

namespace reactorlab::raw_uring {

/// How many entries its queues have: powers of two, `completions` at least `submissions`.
struct RingSizes {
  unsigned submissions = 512;
  unsigned completions = 4096;
};

/// What a turn is over with.
enum class Until {
  More,    ///< a completion that wasn't certain
  Certain  ///< the certain ones, if there are any
};

/// An io_uring for one thread, which runs its completions only inside turn() (SINGLE_ISSUER, DEFER_TASKRUN).
class Ring {
 public:
  /// Made disabled, so that another thread than the maker's may become its own. Throws std::system_error with cause and remedy
  /// where io_uring can't be had.
  explicit Ring(RingSizes sizes);
  ~Ring() { ::io_uring_queue_exit(&ring_); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// From here on the ring is the calling thread's alone, which calls leave() before it ends.
  void enter();
  void leave() noexcept { ::io_uring_unregister_ring_fd(&ring_); }

  [[nodiscard]] io_uring& get() { return ring_; }

  /// A free submission entry, for an io_uring_prep_*; submits what there is when there is none.
  [[nodiscard]] io_uring_sqe& next();
  /// An entry filled since the last turn is sure to complete while it is submitted, whatever the world does.
  void count_on_completion() { ++certain_; }
  void submit();

  /// Turns from now on bring about so many completions at once, if there are more; at most 80, and not less than the kernel's 20.
  void limit_batch(std::size_t completions) { batch_ = static_cast<unsigned>(std::clamp<std::size_t>(completions, 1, batch_max_)); }
  /// Submits everything, waits, and hands each new completion to `handle(const io_uring_cqe&)`, which may use next(). One system
  /// call. Throws std::system_error for what the kernel refused.
  template <class Handle>
  void turn(Until until, Handle&& handle);

  /// Calls of io_uring_enter(2).
  [[nodiscard]] std::uint64_t enters() const { return enters_; }

 private:
  /// Completions asked for at once: the kernel runs as many of the deferred ones as a call waits for, but at least 20. Enough for a
  /// round of 64 connections; with more of them there are hardly fewer calls, but all sockets of a batch go through the cache
  /// twice.
  static constexpr unsigned kBatch = 80;

  void enter_kernel(unsigned wait_for);

  io_uring ring_{};
  unsigned batch_max_ = 0, batch_ = 0;
  unsigned seen_ = 0;     ///< completions at the head of the queue that were handled, but not yet given back
  unsigned certain_ = 0;  ///< entries since the last turn that complete while they are submitted
  std::uint64_t enters_ = 0;
};

/// A call that waits for one completion brings 20 of a busy server's, and one that waits for more sleeps until they have come. But
/// the kernel counts whatever is in the queue, and the queue's head is ours: as many completions that were handled already are kept
/// there, together with the certain ones, that the last of a whole batch is the first new one.
template <class Handle>
void Ring::turn(Until until, Handle&& handle) {
  const unsigned certain = std::exchange(certain_, 0);
  const unsigned kept = std::min(seen_, batch_ > certain ? batch_ - 1 - certain : 0);
  ::io_uring_cq_advance(&ring_, seen_ - kept);
  const unsigned more = until == Until::More || certain == 0 ? 1 : 0;
  enter_kernel(std::min(kept + certain + more, batch_));
  const unsigned begin = *ring_.cq.khead;
  const unsigned end = io_uring_smp_load_acquire(ring_.cq.ktail);
  seen_ = end - begin;
  for (unsigned i = begin + kept; i != end; ++i) handle(std::as_const(ring_.cq.cqes[i & ring_.cq.ring_mask]));
}

}  // namespace reactorlab::raw_uring
