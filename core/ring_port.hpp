#pragma once
// A ring and the threads that use it: who may fill it, under what lock, and who hands to the kernel what was queued.
//
// One call of the kernel's per turn: what is queued goes with the next wait. On a ring that several threads use somebody may be
// waiting already. A thread that waits here now and then hands its entries over before it sleeps elsewhere (flush()), and so a
// batch of them at once; anybody else ends the wait, once for all until the next one. A request completes on the thread that handed
// it over, so that should be one that stays.
//
// The kernel may refuse what is queued (for want of memory), and the queue be full. Nothing is dropped then: whoever wanted to
// queue leaves a mark where its request belongs, says fall_behind(), and who waits here makes up for it, before it waits.

#include "core/fd.hpp"
#include "core/ring.hpp"
#include "core/ring_request.hpp"
#include "core/sync.hpp"

namespace reactorlab {

class RingPort {
 public:
  /// Throws std::system_error with cause and remedy.
  RingPort(RingUse use, RingSizes sizes);
  RingPort(const RingPort&) = delete;
  RingPort& operator=(const RingPort&) = delete;

  /// Held for whatever REQUIRES it. A ring of one thread needs none.
  [[nodiscard]] UniqueLock<PlainMutex> lock() noexcept {
    return use_ == RingUse::one_thread ? UniqueLock<PlainMutex>{} : UniqueLock<PlainMutex>{mutex_};
  }
  /// Whether the calling thread may use it.
  bool may_use() const noexcept { return use_ == RingUse::any_thread || maker_ == &this_thread; }
  Ring& ring() noexcept { return ring_; }

  // --- REQUIRES lock --------------------------------------------------------------------------------------------------------

  /// An entry of that name, else zeroed; nullptr if the queue is full and the kernel takes nothing.
  io_uring_sqe* queue(std::uint64_t user_data) noexcept;
  /// The end of the request of that name is queued, or made up for.
  void cancel(std::uint64_t user_data) noexcept;
  /// Likewise of every request. Whoever goes on asks anew: to a request such an end is one like any other.
  void cancel_everything() noexcept;
  /// What was queued shall reach the kernel soon.
  void hand_over() noexcept;
  /// Now, and what the ring has put off is done, too.
  void submit() noexcept { (void)ring_.submit(ring_.publish(), /*and_work=*/use_ == RingUse::one_thread); }
  /// A request found no room, and has left its mark: who waits here looks for it.
  void fall_behind() noexcept;
  /// Who looks begins with this.
  void catch_up() noexcept;

  // --- one thread at a time -------------------------------------------------------------------------------------------------

  /// Hands over what is queued, and waits: Ring::wait(). May be called several times for one wait that was announced.
  IoResult wait(int timeout_ms) noexcept;
  /// From `true` to `false` whoever queues an entry sees to it that it is handed over.
  void announce(bool waiting) noexcept;

  // --- any thread -----------------------------------------------------------------------------------------------------------

  /// Hands over what is queued, if somebody waits; else the next wait does. Whoever waits here now and then calls it before it
  /// sleeps elsewhere, or ends.
  void flush() noexcept;
  /// Ends a wait that is under way, or the next one.
  void kick() noexcept;
  /// When it returns, that request, whose cancel was submitted, has let go of its file, or a second has passed.
  void await_end(std::uint64_t user_data) const noexcept {
    if (use_ == RingUse::any_thread && !mutated(Mutant::name_kept_by_requests)) ring_.await_end(user_data);
  }
  /// There is something to make up for.
  bool behind() const noexcept { return behind_.load(relaxed); }
  int kick_fd() const noexcept { return kick_.get(); }

 private:
  // By number: where this one was, the next one may be made, and to that the thread is anybody.
  static inline constinit Atomic<std::uint64_t> made{0};
  static inline constinit thread_local std::uint64_t waits_at = 0;  ///< the port that this thread has waited at last
  static inline constinit thread_local char this_thread = 0;        ///< its address is the thread's name

  const RingUse use_;
  const std::uint64_t number_ = made.fetch_add(1, relaxed) + 1;
  const char* const maker_ = &this_thread;
  PlainMutex mutex_;  // guards the submission side, and whatever its users say
  Ring ring_;
  UniqueFd kick_;
  bool announced_ = false;      // guarded by mutex_; not on a ring of one thread
  bool waiting_ = false;        // likewise: somebody waits, or is about to without looking at the queue, and nobody has ended that
  bool owes_cancel_ = false;    // guarded by mutex_: of a request that nobody knows by name any more
  Atomic<bool> behind_{false};  // written under mutex_
};

}  // namespace reactorlab
