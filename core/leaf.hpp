#pragma once
// The one poll-until-ready loop: attempt -> would block -> arm -> (an edge came first: attempt again) -> parked. A wake polls the
// operation, not the user's code; if the attempt still says EAGAIN it parks again. Everything that waits for a descriptor is
// made of this.

#include <cassert>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <new>
#include <tuple>
#include <utility>

#include "core/mutation.hpp"
#include "core/reactor_ref.hpp"
#include "core/sync.hpp"
#include "core/task.hpp"
#include "core/task_arena.hpp"

namespace reactorlab {

/// How far an operation has come when its task is polled.
enum class Progress : std::uint8_t { parked, finished };

/// What stream.read(...) and its like return: a description, which does nothing until a task awaits it, once. Then the operation
/// is made in its place, in the awaiting frame, and is attempted for the first time. Copied only before that.
template <class Operation, class... Arguments>
class [[nodiscard("co_await it")]] Request {
 public:
  explicit Request(Arguments... arguments) noexcept : arguments_{arguments...} {}
  Request(const Request& other) noexcept : arguments_{other.arguments_} { assert(!other.started_); }
  Request& operator=(const Request&) = delete;
  [[gnu::always_inline]] ~Request() {
    if (started_) {
      std::destroy_at(&operation_);
    } else {
      std::destroy_at(&arguments_);
    }
  }

  bool await_ready() const noexcept { return false; }
  template <TaskPromise Promise>
  [[gnu::always_inline]] bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    {
      const std::tuple<Arguments...> arguments{std::move(arguments_)};
      std::destroy_at(&arguments_);
      std::apply([&](const Arguments&... each) { new (&operation_) Operation{*frame.promise().task(), each...}; }, arguments);
      started_ = true;
    }
    return !operation_.await_ready() && operation_.await_suspend(frame);
  }
  [[gnu::always_inline]] decltype(auto) await_resume() { return operation_.await_resume(); }

  /// For operations made of this one.
  [[gnu::always_inline]] Operation start(TaskHeader& task) const noexcept {
    return std::apply([&](const Arguments&... arguments) { return Operation{task, arguments...}; }, arguments_);
  }
  using OperationType = Operation;

 private:
  union {
    std::tuple<Arguments...> arguments_;
    Operation operation_;
  };
  bool started_ = false;
};

/// Operation supplies
///   bool attempt() noexcept     the syscall; true: the result is final
///   void settle(IoResult)       the result is this error instead
///   begin_attempt(), finish_attempt()   optional halves of attempt(): the usual case apart, for a poll without a stack frame
/// and makes its first attempt in its constructor, telling begin() how that went. Source is the handle; it mustn't move while
/// an operation on it is parked; it may be destroyed.
///
/// An idle connection's frame holds one of these, so it is small: where it is parked, and its task as an arena offset, are
/// one word, as in the registration.
template <class Operation, class Source, Direction direction>
class Leaf {
 public:
  Leaf(TaskHeader& task, Source& source) noexcept : source_{&source}, place_{TaskArena::offset_of(task)} {}
  Leaf(const Leaf&) = delete;
  Leaf& operator=(const Leaf&) = delete;
  [[gnu::always_inline]] ~Leaf() {
    if (!finished()) [[unlikely]]
      disarm();  // destroyed while parked
  }

  // --- awaited on its own -------------------------------------------------------------------------------------------------

  [[gnu::always_inline]] bool await_ready() noexcept { return ready(task()); }
  /// A leaf of this task has completed without suspending: false if others come first.
  [[gnu::always_inline]] static bool may_go_on(TaskHeader& task) noexcept {
    return (task.spend_budget() || mutated(Mutant::no_leaf_budget)) && !mutated(Mutant::first_poll_always_pending);
  }

  template <TaskPromise Promise>
  [[gnu::always_inline]] bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    TaskHeader& task = *frame.promise().task();
    if (!finished()) [[likely]]
      return wait(frame, *source_, task);
    task.frame = frame;  // the budget is spent: others first
    task.poll = &resume_frame;
    task.action = TaskAction::yield_spent;
    return true;
  }

  // --- the steps, for operations made of this one (timeout) ------------------------------------------------------------------

  [[gnu::always_inline]] bool finished() const noexcept { return place_ & finished_bit; }

  /// Arms, attempting again as long as edges come first.
  Progress park() noexcept { return park(*source_, task()); }
  [[gnu::always_inline]] Progress park(Source& source, TaskHeader& task) noexcept {
    sync_point(SyncPoint::io_after_would_block);
    slot_ = &source.slot();
    const Armed armed = arm(source, task);
    if (armed == Armed::parked) [[likely]] {
      sync_point(SyncPoint::io_parked);
      return Progress::parked;
    }
    return park_slow(armed);
  }

  /// The task was polled: was it for us?
  Progress progress() noexcept {
    if (!taken_out_by_edge()) return progress_slow();
    return self().attempt() ? finish() : park();
  }

  /// Gives up: no wake comes from here any more, and the result is this error.
  void withdraw(IoResult error) noexcept {
    if (!finished() && !mutated(Mutant::withdrawn_operation_left_parked)) disarm();
    (void)refuse(error);
  }

 protected:
  /// Not awaited yet. The operation tells begin() its task.
  explicit Leaf(Source& source) noexcept : source_{&source}, place_{finished_bit} {}

  /// A word for the result, which it doesn't cost any room.
  [[gnu::always_inline]] void keep(std::intptr_t result) noexcept { kept_ = result; }
  [[gnu::always_inline]] std::intptr_t kept() const noexcept { return kept_; }

  Source& source() const noexcept { return *source_; }
  TaskHeader& task() const noexcept { return TaskArena::at(readiness::task_offset(place_)); }
  [[gnu::always_inline]] bool begun() const noexcept { return place_ != finished_bit; }
  [[gnu::always_inline]] bool ready(TaskHeader& task) const noexcept { return finished() && may_go_on(task); }

  /// Suspends until an edge. False: finished after all. (References, since what it writes could be where they came from.)
  [[gnu::always_inline]] bool wait(std::coroutine_handle<> frame, Source& source, TaskHeader& task) noexcept {
    task.frame = frame;
    task.operation = &self();
    task.poll = &Leaf::poll;
    return park(source, task) == Progress::parked;
  }

  /// Once, from the constructor: what the first attempt said.
  [[gnu::always_inline]] void begin(bool finished) noexcept { place_ |= finished ? finished_bit : 0; }
  [[gnu::always_inline]] void begin(TaskHeader& task, bool finished) noexcept {
    place_ = TaskArena::offset_of(task) | (finished ? finished_bit : 0);
  }
  /// First thing in await_resume(): only finished operations are resumed, so the destructor needn't ask.
  [[gnu::always_inline]] void resumed() const noexcept {
    if (!finished()) __builtin_unreachable();
  }
  Progress finish() noexcept {
    place_ |= finished_bit;
    return Progress::finished;
  }

 private:
  Operation& self() noexcept { return static_cast<Operation&>(*this); }

  // Every way out is a tail call, so that the usual one needs no stack frame.
  static void poll(TaskHeader& task) noexcept {
    auto& operation = *static_cast<Operation*>(task.operation);
    Leaf& leaf = operation;
    if (!leaf.taken_out_by_edge()) [[unlikely]]
      return poll_slow(operation);
    if constexpr (requires { operation.begin_attempt(); }) {
      const long n = operation.begin_attempt();
      if (n <= 0) [[unlikely]]
        return poll_on(task, n);
    } else {
      if (!operation.attempt()) [[unlikely]]
        return poll_again(operation);
    }
    leaf.place_ |= finished_bit;
    resume_frame(task);
  }
  [[gnu::noinline]] static void poll_slow(Operation& operation) noexcept {
    Leaf& leaf = operation;
    if (leaf.progress_slow() == Progress::finished) resume_frame(leaf.task());
  }
  [[gnu::noinline]] static void poll_on(TaskHeader& task, long n) noexcept {
    auto& operation = *static_cast<Operation*>(task.operation);
    if (!operation.finish_attempt(n)) return poll_again(operation);
    (void)static_cast<Leaf&>(operation).finish();
    resume_frame(task);
  }
  [[gnu::noinline]] static void poll_again(Operation& operation) noexcept {
    Leaf& leaf = operation;
    if (mutated(Mutant::no_rearm_after_false_edge)) return;
    if (leaf.park() == Progress::finished) resume_frame(leaf.task());
  }

  /// The word says that this task has been told, in the same life. Anything else is looked at more closely.
  [[gnu::always_inline]] bool taken_out_by_edge() const noexcept { return slot_->word(direction).load(acquire) == place_; }

  [[gnu::always_inline]] Armed arm(Source& source, TaskHeader& task) noexcept {
    std::uint64_t identity = 0;
    const Armed armed = source.template arm<direction>(task, identity);
    place_ = (identity & readiness::generation_mask) | static_cast<std::uint32_t>(place_);
    return armed;
  }

  [[gnu::noinline]] Progress park_slow(Armed armed) noexcept {
    bool ready_before = false;
    for (;;) {
      switch (armed) {
        case Armed::parked: sync_point(SyncPoint::io_parked); return Progress::parked;
        case Armed::ready:
          if (self().attempt()) return finish();
          if (std::exchange(ready_before, true)) return look_again_later();
          break;
        case Armed::misplaced: return refuse(slot_->word(direction).load(acquire) & readiness::shutdown ? -ESHUTDOWN : -EXDEV);
        case Armed::refused: return refuse(readiness::refusal(slot_->word(direction).load(acquire)));
        case Armed::no_memory: return refuse(-ENOMEM);
        case Armed::unwidened: return refuse(-static_cast<long>(place_ >> 32));
        case Armed::crowded: return refuse(-EBUSY);  // unreachable: every reactor resolves it
      }
      sync_point(SyncPoint::io_after_would_block);
      armed = arm(*source_, task());
    }
  }

  /// Ready twice, and yet it would block: either edges come faster than we look, or what seemed to be the end was none (a FIFO
  /// that has a writer again). Others run before the next attempt.
  Progress look_again_later() noexcept {
    task().action = TaskAction::yield;
    return Progress::parked;
  }

  [[gnu::noinline]] Progress progress_slow() noexcept {
    const std::uint64_t word = slot_->word(direction).load(acquire);
    const bool ended = word & (readiness::closed | readiness::shutdown);
    if (!readiness::same_life(word, place_)) return refuse(-EBADF);  // closed, and the slot lives again
    if (ended) return refuse(readiness::refusal(word));
    if (mutated(Mutant::second_poll_completes)) return refuse(0);
    // Another's wake, or somebody else's direction: if we are parked still, we stay parked, without a syscall.
    if (source_->is_parked(direction, task()) && !mutated(Mutant::spurious_poll_parks_again)) return Progress::parked;
    if (self().attempt()) return finish();
    return park();
  }

  Progress refuse(IoResult error) noexcept {
    self().settle(error);
    return finish();
  }

  [[gnu::noinline]] void disarm() noexcept {
    const std::uint64_t word = slot_->word(direction).load(acquire);
    if (!readiness::same_life(word, place_) || (word & readiness::closed)) return;
    source_->abandoned(direction, task());
    if (word & readiness::shutdown) return;
    source_->disarm(*slot_, direction, place_, task());
  }

  static constexpr std::uint64_t finished_bit = 1;

  Source* source_;
  union {
    Registration* slot_;  // from the first park() on
    std::intptr_t kept_;  // once finished
  };
  std::uint64_t place_;  // the generation of the slot's life that we are parked in | the task's offset | finished_bit
};

}  // namespace reactorlab
