#pragma once
// Timers as commands. The wheel is the reactor thread's alone; other threads put what they want of it into one queue, first in,
// first out, and may take it back while it is still there: a timer that is made and cancelled between two turns never reaches the
// wheel. A command is a block of its own, since the operation that sleeps may be gone before its cancellation is carried out.

#include "core/frame_pool.hpp"
#include "core/reactor.hpp"

namespace reactorlab::dedicated_thread_home {

/// A link of a circular list; a lone link is an empty list's head.
struct CommandLink {
  CommandLink* previous = this;
  CommandLink* next = this;

  bool alone() const noexcept { return next == this; }
  void unlink() noexcept {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
  void append(CommandLink& link) noexcept {
    link.previous = previous;
    link.next = this;
    previous->next = &link;
    previous = &link;
  }
};

/// start (queued) -> pending (in the wheel) -> fired, freed; start -> cancelled, freed; pending -> stop (queued) -> freed.
struct TimerCommand : CommandLink, TimerEntry {
  enum class State : std::uint8_t { start, pending, stop };

  Timer* timer = nullptr;  ///< the operation's; nullptr once it has lost interest
  std::uint64_t deadline_ns = 0;
  State state = State::start;
};

/// Guarded by the home's mutex, but for `wheel`, which only the reactor thread touches.
class TimerCommands {
 public:
  explicit TimerCommands(TimerWheel& wheel) noexcept : wheel_{wheel} {}
  TimerCommands(const TimerCommands&) = delete;
  TimerCommands& operator=(const TimerCommands&) = delete;

  /// The operation's Timer stands for the entry in the wheel; its link leads there. False: no memory.
  bool start(Timer& timer, std::uint64_t deadline_ns) noexcept {
    if (mutated(Mutant::timer_counted_before_memory)) ++wanted_;
    void* const memory = FramePool::try_allocate(sizeof(TimerCommand));
    if (!memory) return false;
    auto* const command = new (memory) TimerCommand;
    command->timer = &timer;
    command->deadline_ns = deadline_ns;
    timer.next = static_cast<TimerEntry*>(command);
    queue_.append(*command);
    count_queued(+1);
    if (!mutated(Mutant::timer_counted_before_memory)) ++wanted_;
    return true;
  }
  void stop(Timer& timer) noexcept {
    if (!timer.pending()) return;
    TimerCommand& command = *command_of(timer);
    timer.next = nullptr;
    --wanted_;
    if (mutated(Mutant::stop_overtakes_start) && command.state == TimerCommand::State::start) return;
    if (mutated(Mutant::abandoned_timer_kept) && command.state == TimerCommand::State::pending) return;
    command.unlink();
    if (command.state == TimerCommand::State::start) {
      count_queued(-1);
      return free(command);
    }
    command.timer = nullptr;
    command.state = TimerCommand::State::stop;
    queue_.append(command);
    count_queued(+1);
  }

  /// Timers whose operations wait for them.
  std::size_t wanted() const noexcept { return wanted_; }
  /// Any thread, without the mutex.
  std::size_t queued() const noexcept { return queued_.load(seq_cst); }

  // --- the reactor thread -----------------------------------------------------------------------------------------------------

  void carry_out() noexcept {
    while (!queue_.alone()) {
      TimerCommand& command = *static_cast<TimerCommand*>(queue_.next);
      command.unlink();
      if (command.state == TimerCommand::State::stop) {
        wheel_.cancel(command);
        free(command);
      } else {
        wheel_.insert(command, command.deadline_ns);
        command.state = TimerCommand::State::pending;
        pending_.append(command);
      }
    }
    queued_.store(0, seq_cst);
  }

  /// Fires what is due. True if any timer was wanted still.
  bool fire(std::uint64_t now_ns, WakeBatch& batch) {
    const std::size_t wanted_before = wanted_;
    wheel_.advance(now_ns, [&](TimerEntry& entry) {
      auto& command = static_cast<TimerCommand&>(entry);
      if (!command.timer) return;  // its stop is queued, which frees it
      command.unlink();
      end(command, /*refused=*/false, batch);
    });
    return wanted_ != wanted_before;
  }

  /// The reactor ends: everybody is told so.
  void refuse_all(WakeBatch& batch) {
    carry_out();
    while (!pending_.alone()) {
      TimerCommand& command = *static_cast<TimerCommand*>(pending_.next);
      command.unlink();
      wheel_.cancel(command);
      end(command, /*refused=*/true, batch);
    }
  }

 private:
  static TimerCommand* command_of(Timer& timer) noexcept {
    return static_cast<TimerCommand*>(static_cast<TimerEntry*>(timer.next));
  }
  static void free(TimerCommand& command) noexcept { FramePool::deallocate(&command, sizeof(TimerCommand)); }
  void count_queued(int difference) noexcept {
    queued_.store(queued_.load(relaxed) + static_cast<std::size_t>(difference), seq_cst);
  }

  void end(TimerCommand& command, bool refused, WakeBatch& batch) {
    Timer& timer = *command.timer;
    TaskHeader& task = *timer.task;
    timer.next = nullptr;
    batch.take_any(task, [&] { refused ? timer.refuse() : timer.fired.store(true, release); });
    --wanted_;
    free(command);
  }

  TimerWheel& wheel_;
  CommandLink queue_, pending_;
  Atomic<std::size_t> queued_{0};  // the queue's length; written with the mutex held
  std::size_t wanted_ = 0;
};

}  // namespace reactorlab::dedicated_thread_home
