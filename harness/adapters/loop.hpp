#pragma once
// What a peer's event loop has to give so that a runtime can stand on it: descriptors, timers, and tasks to be polled soon.
// The other half, what the loop calls back, is LoopSink.

#include <cstddef>
#include <cstdint>

#include "core/executor.hpp"
#include "core/reactor.hpp"

namespace reactorlab::adapters {

/// What a loop reports. On its own threads, with no lock of the loop held.
class LoopSink {
 public:
  /// The waits of these directions are over. `mask` as epoll's: what happened, as far as the peer tells.
  virtual void ready(Token token, std::uint32_t mask) noexcept = 0;
  /// Of one that was given to post().
  virtual void poll(TaskHeader& task) noexcept = 0;

 protected:
  ~LoopSink() = default;
};

/// A loop that is confined is called by its own thread only, but for post().
class Loop {
 public:
  virtual ~Loop() = default;

  /// Before anything else.
  void attach(LoopSink& sink) noexcept { sink_ = &sink; }

  // --- descriptors ----------------------------------------------------------------------------------------------------------

  /// Makes the peer's object for a descriptor. 0 or -errno; after an error nothing of it is left.
  virtual IoResult open(int fd, Token token) noexcept = 0;
  /// Begins a wait for that direction, unless there is one. An unknown token is nobody's: nothing happens. 0 or -errno.
  virtual IoResult watch(Token token, Direction direction) noexcept = 0;
  /// Destroys the peer's object, not the descriptor, which may be closed as soon as this returns. Idempotent.
  virtual void forget(Token token) noexcept = 0;

  // --- timers ---------------------------------------------------------------------------------------------------------------

  /// Timer::fired is set, and the task woken, at the deadline.
  virtual IoResult start_timer(Timer& timer, TimePoint deadline) noexcept = 0;
  /// The loop doesn't touch the timer after this. Idempotent.
  virtual void stop_timer(Timer& timer) noexcept = 0;
  virtual std::size_t pending_timers() noexcept = 0;
  /// Refuses those that pend, as if each were stopped then. The caller sees to it that none is started any more.
  virtual void refuse_timers() noexcept = 0;

  // --- tasks ----------------------------------------------------------------------------------------------------------------

  /// The sink polls that task soon, after this has returned. Any thread.
  virtual void post(TaskHeader& task) noexcept = 0;

  /// Confined: runs until that task has finished.
  virtual void run_until_done(const TaskHeader& root) noexcept = 0;
  /// Confined: runs what is ready, without waiting.
  virtual void run_ready() noexcept = 0;
  /// Others: lets the calling thread work for the loop until stop(), which any thread may call.
  virtual void run() noexcept = 0;
  virtual void stop() noexcept = 0;

  /// Gives all descriptors of the loop's own back. No thread is inside; afterwards only forget(), stop_timer() and
  /// pending_timers() are called.
  virtual void close() noexcept = 0;

 protected:
  LoopSink& sink() const noexcept { return *sink_; }

 private:
  LoopSink* sink_ = nullptr;
};

/// Tells a timer that its time has come. Inside the exclusion of stop_timer(); the batch is delivered outside.
inline void fire(Timer& timer, WakeBatch& batch) {
  batch.take_any(*timer.task, [&] { timer.fired.store(true, release); });
}

/// Likewise, that its time won't come: the runtime has ended.
inline void refuse(Timer& timer, WakeBatch& batch) {
  batch.take_any(*timer.task, [&] { timer.refuse(); });
}

}  // namespace reactorlab::adapters
