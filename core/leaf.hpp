#pragma once
// The one poll-until-ready loop: attempt -> would block -> arm -> (an edge came first: attempt again) -> parked. A wake polls the
// operation, not the user's code; if the attempt still says EAGAIN it parks again. Everything that waits for a descriptor is
// made of this.

#include <coroutine>
#include <cstdint>
#include <tuple>
#include <utility>

#include "core/mutation.hpp"
#include "core/reactor_ref.hpp"
#include "core/sync.hpp"
#include "core/task.hpp"

namespace reactorlab {

/// How far an operation has come when its task is polled.
enum class Progress : std::uint8_t { parked, finished };

/// What stream.read(...) and its like return: a description, cheap to copy, which does nothing until a task awaits it. The task's
/// promise then makes the operation of it (PromiseBase::await_transform), once, in the awaiting frame.
template <class Operation, class... Arguments>
class [[nodiscard("co_await it")]] Request {
 public:
  explicit Request(Arguments... arguments) noexcept : arguments_{arguments...} {}
  [[gnu::always_inline]] Operation start(TaskHeader& task) const noexcept {
    return std::apply([&](const Arguments&... arguments) { return Operation{task, arguments...}; }, arguments_);
  }
  using OperationType = Operation;

 private:
  std::tuple<Arguments...> arguments_;
};

/// Operation supplies
///   bool attempt() noexcept     the syscall; true: the result is final
///   void settle(IoResult)       the result is this error instead
/// and makes its first attempt in its constructor, telling begin() how that went. Source is the handle; it mustn't move while
/// an operation on it is parked; it may be destroyed.
template <class Operation, class Source, Direction direction>
class Leaf {
 public:
  Leaf(TaskHeader& task, Source& source) noexcept : source_{&source}, task_{&task} {}
  Leaf(const Leaf&) = delete;
  Leaf& operator=(const Leaf&) = delete;
  [[gnu::always_inline]] ~Leaf() {
    if (!finished_) [[unlikely]] disarm();  // destroyed while parked
  }

  // --- awaited on its own -------------------------------------------------------------------------------------------------

  [[gnu::always_inline]] bool await_ready() noexcept {
    return finished_ && (task_->spend_budget() || mutated(Mutant::no_leaf_budget)) && !mutated(Mutant::first_poll_always_pending);
  }

  template <TaskPromise Promise>
  [[gnu::always_inline]] bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    // Into registers first: what follows writes through pointers that could point here.
    TaskHeader& task = *task_;
    Source& source = *source_;
    task.frame = frame;
    if (finished_) [[unlikely]] {  // the budget is spent: others first
      task.poll = &resume_frame;
      task.action = TaskAction::yield;
      return true;
    }
    task.operation = &self();
    task.poll = &Leaf::poll;
    return park(source, task) == Progress::parked;
  }

  // --- the steps, for operations made of this one (timeout) ------------------------------------------------------------------

  bool finished() const noexcept { return finished_; }

  /// Arms, attempting again as long as edges come first.
  Progress park() noexcept { return park(*source_, *task_); }
  [[gnu::always_inline]] Progress park(Source& source, TaskHeader& task) noexcept {
    sync_point(SyncPoint::io_after_would_block);
    slot_ = &source.slot();
    const Armed armed = source.template arm<direction>(task, identity_);
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
    if (!finished_ && !mutated(Mutant::withdrawn_operation_left_parked)) disarm();
    (void)refuse(error);
  }

 protected:
  Source& source() noexcept { return *source_; }
  TaskHeader& task() noexcept { return *task_; }
  /// Once, from the constructor: what the first attempt said.
  [[gnu::always_inline]] void begin(bool finished) noexcept { finished_ = finished; }
  /// First thing in await_resume(): only finished operations are resumed, so the destructor needn't ask.
  [[gnu::always_inline]] void resumed() const noexcept {
    if (!finished_) __builtin_unreachable();
  }
  Progress finish() noexcept {
    finished_ = true;
    return Progress::finished;
  }

 private:
  Operation& self() noexcept { return static_cast<Operation&>(*this); }

  // Every way out is a tail call, so that the usual one needs no stack frame.
  static void poll(TaskHeader& task) noexcept {
    auto& operation = *static_cast<Operation*>(task.operation);
    Leaf& leaf = operation;
    if (!leaf.taken_out_by_edge()) [[unlikely]] return poll_slow(operation);
    if (!operation.attempt()) [[unlikely]] return poll_again(operation);
    leaf.finished_ = true;
    resume_frame(*leaf.task_);
  }
  [[gnu::noinline]] static void poll_slow(Operation& operation) noexcept {
    Leaf& leaf = operation;
    if (leaf.progress_slow() == Progress::finished) resume_frame(*leaf.task_);
  }
  [[gnu::noinline]] static void poll_again(Operation& operation) noexcept {
    Leaf& leaf = operation;
    if (mutated(Mutant::no_rearm_after_false_edge)) return;
    if (leaf.park() == Progress::finished) resume_frame(*leaf.task_);
  }

  /// The word is empty again, in the same life. Anything else is looked at more closely.
  [[gnu::always_inline]] bool taken_out_by_edge() const noexcept { return slot_->word(direction).load(acquire) == identity_; }

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
        case Armed::crowded: return refuse(-EBUSY);  // unreachable: every reactor resolves it
      }
      sync_point(SyncPoint::io_after_would_block);
      armed = source_->template arm<direction>(*task_, identity_);
    }
  }

  /// Ready twice, and yet it would block: either edges come faster than we look, or what seemed to be the end was none (a FIFO
  /// that has a writer again). Others run before the next attempt.
  Progress look_again_later() noexcept {
    task_->action = TaskAction::yield;
    return Progress::parked;
  }

  [[gnu::noinline]] Progress progress_slow() noexcept {
    const std::uint64_t word = slot_->word(direction).load(acquire);
    const bool ended = word & (readiness::closed | readiness::shutdown);
    if (!readiness::same_life(word, identity_)) return refuse(-EBADF);  // closed, and the slot lives again
    if (ended) return refuse(readiness::refusal(word));
    if (mutated(Mutant::second_poll_completes)) return refuse(0);
    // Another's wake, or somebody else's direction: if we are parked still, we stay parked, without a syscall.
    if (source_->is_parked(direction, *task_) && !mutated(Mutant::spurious_poll_parks_again)) return Progress::parked;
    if (self().attempt()) return finish();
    return park();
  }

  Progress refuse(IoResult error) noexcept {
    self().settle(error);
    return finish();
  }

  [[gnu::noinline]] void disarm() noexcept {
    const std::uint64_t word = slot_->word(direction).load(acquire);
    if (!readiness::same_life(word, identity_) || (word & (readiness::closed | readiness::shutdown))) return;
    source_->abandoned();
    source_->disarm(*slot_, direction, identity_, *task_);
  }

  Source* source_;
  TaskHeader* task_;
  Registration* slot_;      // these two from the first park() on
  std::uint64_t identity_;  // what the word holds when an edge has taken us out
  bool finished_;
};

}  // namespace reactorlab
