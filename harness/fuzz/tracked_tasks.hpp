#pragma once
// The tasks of the schedules target. Each keeps a record, outside its frame, of what it was asked for and what it did, in which a
// lost wake, a second poll beside the first, and a poll after the end can be seen.

#include <array>
#include <cstddef>
#include <memory>
#include <optional>

#include "core/async_fd.hpp"
#include "core/time.hpp"
#include "harness/fuzz/input.hpp"
#include "harness/fuzz/simulated_kernel.hpp"

namespace reactorlab::fuzz {

enum class Kind : std::uint8_t { woken, reading, sleeping, joining };

/// What all tasks of a run share.
struct World {
  IRuntime& runtime;
  bool ending = false;         ///< tasks that are woken from now on return
  std::size_t wakes = 0;       ///< asked for through wakers
  std::size_t polls = 0;       ///< of tasks that wait for them
  std::size_t children = 0;    ///< alive
  std::size_t late_joins = 0;  ///< joiners whose wake may come to somebody else
};

struct Record {
  Kind kind = Kind::woken;
  std::optional<JoinHandle<int>> join;
  bool begun = false, running = false, returning = false, ended = false;
  bool cancel_returned = false;

  Waker waker;                            // woken: once it has parked
  std::size_t asked = 0, answered = 0;    // woken: how many wakes were asked for, and how many of them it knows of
  int fd = -1;                            // reading
  bool one_byte = false;                  // reading: returns then
  bool shares = false;                    // reading: the source of a task before it
  Duration patience = Duration::max();    // reading: with a limit
  TimePoint deadline = TimePoint::never;  // sleeping
  std::size_t children = 0;               // joining: how many, one after the other

  /// A thread runs the task's code.
  void enter() {
    demand(!ended, "a task runs after its end");
    demand(!running, "a task runs on two threads at once");
    running = true;
    simulation::step();
  }
  /// The same where the executor has just begun to poll it.
  void enter_poll(const World& world) {
    const bool at_once = world.runtime.executor().kind() == TaskKind::shared;  // a confined one hears of it through its inbox
    demand(!cancel_returned || !at_once, "a cancelled task is polled");
    enter();
  }
  void leave() noexcept { running = false; }
};

/// In the frame of the task, from before it starts.
class Life {
 public:
  explicit Life(Record& record) noexcept : record_{&record} {}
  Life(Life&& other) noexcept : record_{std::exchange(other.record_, nullptr)} {}
  ~Life() {
    if (!record_) return;
    demand(!record_->ended, "a task ends twice");
    demand(!record_->running || record_->returning, "a task is destroyed while it runs");
    record_->running = false;
    record_->ended = true;
  }

 private:
  Record* record_;
};

/// Awaits the next wake that somebody asked for, however often it is polled.
class NextWake {
 public:
  NextWake(World& world, Record& record) noexcept : world_{world}, record_{record} {}

  bool await_ready() const noexcept { return false; }
  template <TaskPromise Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    TaskHeader& task = *frame.promise().task();
    task.frame = frame;
    task.operation = this;
    task.poll = &poll;
    record_.waker = Waker{task};
    record_.leave();
  }
  void await_resume() const noexcept {}

 private:
  static void poll(TaskHeader& task) noexcept {
    const auto& self = *static_cast<NextWake*>(task.operation);
    Record& record = self.record_;
    ++self.world_.polls;
    record.enter_poll(self.world_);
    if (record.asked == record.answered && !self.world_.ending) return record.leave();
    resume_frame(task);
  }

  World& world_;
  Record& record_;
};

inline Task<int> woken(World& world, Record& record, Life) {
  record.enter_poll(world);
  record.begun = true;
  while (!world.ending) {
    record.answered = record.asked;
    co_await NextWake{world, record};
  }
  record.returning = true;
  co_return 1;
}

inline Task<int> reading(World& world, Record& record, std::shared_ptr<AsyncFd> pipe, Life) {
  record.enter_poll(world);
  record.begun = true;
  while (!world.ending) {
    std::array<std::byte, 4> room;
    const std::span buffer = std::span{room}.first(record.one_byte ? 1 : room.size());
    record.leave();
    const IoResult read = record.patience == Duration::max() ? co_await pipe->read(buffer)
                                                             : co_await timeout(world.runtime, record.patience, pipe->read(buffer));
    record.enter();
    if (read && record.one_byte) break;
    if (read || read.error() == ETIME) continue;
    demand(read.error() == ESHUTDOWN, "a read failed");
    break;
  }
  record.returning = true;
  co_return 1;
}

inline Task<int> sleeping(World& world, Record& record, Duration duration, Life) {
  record.enter_poll(world);
  record.begun = true;
  record.deadline = clock::now() + duration;
  record.leave();
  const IoResult slept = co_await sleep_until(world.runtime, record.deadline);
  record.enter();
  demand(!slept || clock::now() >= record.deadline, "a sleep ended early");
  record.returning = true;
  co_return 1;
}

/// Counted while its frame lives.
class ChildLife {
 public:
  explicit ChildLife(World& world) noexcept : world_{&world} { ++world.children; }
  ChildLife(ChildLife&& other) noexcept : world_{std::exchange(other.world_, nullptr)} {}
  ~ChildLife() {
    if (world_) --world_->children;
  }

 private:
  World* world_;
};

/// Always on its way: goes behind the others a few times, then returns that number.
inline Task<int> child(int yields, ChildLife) {
  for (int n = 0; n < yields; ++n) co_await yield();
  co_return yields;
}

inline Task<int> joining(World& world, Record& record, Life) {
  record.enter_poll(world);
  record.begun = true;
  for (std::size_t n = 0; n < record.children; ++n) {
    JoinHandle<int> handle = world.runtime.spawn(child(static_cast<int>(n), ChildLife{world}));
    ++world.late_joins;
    record.leave();
    int result = static_cast<int>(n);
    try {
      result = co_await handle;
    } catch (const TaskCancelled&) {  // by the shutdown
    }
    record.enter();
    demand(result == static_cast<int>(n), "a join gives another's result");
  }
  record.returning = true;
  co_return 1;
}

}  // namespace reactorlab::fuzz
