#pragma once
// A task whose poll function belongs to the test: it is woken, queued and polled like any other, but no operation stands between
// the executor and the test's code.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "core/reactorlab.hpp"

namespace reactorlab::conformance {

class ProbeTask {
 public:
  /// What the code of a probe may do; valid during that call, on the thread that polls.
  class Poll {
   public:
    /// Parks the probe (`handle` is whatever leaf operations accept) as an operation would.
    template <Direction direction, class Handle>
    Armed arm(Handle& handle) noexcept {
      return handle.template arm<direction>(task_, identity);
    }
    template <class Handle>
    bool is_parked(Handle& handle, Direction direction) const noexcept {
      return handle.is_parked(direction, task_);
    }
    /// `identity` as arm() left it.
    template <class Handle>
    void disarm(Handle& handle, Direction direction) noexcept {
      handle.disarm(handle.slot(), direction, identity, task_);
    }
    /// The task returns when this poll does.
    void finish() noexcept { finished_ = true; }
    TaskHeader& task() noexcept { return task_; }

    std::uint64_t& identity;

   private:
    friend class ProbeTask;
    Poll(TaskHeader& task, std::uint64_t& id) noexcept : identity{id}, task_{task} {}
    TaskHeader& task_;
    bool finished_ = false;
  };
  using Code = std::function<void(Poll&)>;

  /// Spawns it. `on_start` runs once, before it first parks, and isn't counted; `on_poll` at each poll after that.
  ProbeTask(IRuntime& runtime, Code on_start, Code on_poll = {}) : state_{std::make_shared<State>()} {
    state_->on_start = std::move(on_start);
    state_->on_poll = std::move(on_poll);
    join_.emplace(runtime.spawn(run(state_)));
  }
  ProbeTask(ProbeTask&&) noexcept = default;

  /// Parks the probe from outside: from any thread that may register, while the probe sits there and nobody polls it.
  template <Direction direction, class Handle>
  Armed arm(Handle& handle) noexcept {
    return handle.template arm<direction>(waker().header(), state_->identity);
  }

  /// How often it was polled since it started.
  unsigned polls() const noexcept { return state_->polls.load(); }
  bool started() const noexcept { return state_->started.load(); }
  /// Once it has started.
  Waker waker() const noexcept { return Waker::from_bits(state_->waker.load()); }
  /// co_await, wait(), cancel().
  JoinHandle<void>& join() noexcept { return *join_; }

 private:
  struct State {
    Code on_start, on_poll;
    std::uint64_t identity = 0;
    std::atomic<unsigned> polls{0};
    std::atomic<bool> started{false};
    std::atomic<std::uint64_t> waker{0};
  };

  /// The leaf in which the probe sits for all its life.
  struct Seat {
    State& state;

    bool await_ready() const noexcept { return false; }
    template <TaskPromise Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) {
      TaskHeader& task = *frame.promise().task();
      task.frame = frame;
      task.operation = this;
      task.poll = &Seat::polled;
      state.waker.store(Waker{task}.bits());
      Poll poll{task, state.identity};
      if (state.on_start) state.on_start(poll);
      const bool finished = poll.finished_;
      state.started.store(true);
      return !finished;
    }
    void await_resume() const noexcept {}

    static void polled(TaskHeader& task) noexcept {
      State& state = static_cast<Seat*>(task.operation)->state;
      state.polls.fetch_add(1);
      Poll poll{task, state.identity};
      if (state.on_poll) state.on_poll(poll);
      if (poll.finished_) resume_frame(task);
    }
  };

  static Task<> run(std::shared_ptr<State> state) {
    Seat seat{*state};
    co_await seat;
  }

  std::shared_ptr<State> state_;
  std::optional<JoinHandle<void>> join_;
};

}  // namespace reactorlab::conformance
