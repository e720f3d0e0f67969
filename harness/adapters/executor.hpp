#pragma once
// Polls tasks where a peer's loop says so: a task that was woken is posted to the loop, and each post is one poll. The queue, its
// order and the wake of a sleeping thread are the peer's.

#include <thread>

#include "core/clock.hpp"
#include "core/executor.hpp"
#include "harness/adapters/loop.hpp"

namespace reactorlab::adapters {

class PostingExecutor final : public Executor {
 public:
  /// `owner`: the one thread that polls, if there is one; others are made known by OnThread.
  explicit PostingExecutor(Loop& loop, std::thread::id owner = {}) noexcept
      : Executor{TaskKind::shared}, loop_{loop}, owner_{owner} {}

  // --- Executor -------------------------------------------------------------------------------------------------------------
  void enqueue(TaskHeader& task) noexcept override;
  void enqueue_remote(TaskHeader&) noexcept override {}  // shared tasks have no remote word to be queued by
  TaskHeader& adopt(std::coroutine_handle<> frame) override;
  void launch(TaskHeader& task) noexcept override;
  void reclaim(TaskHeader& task) noexcept override;
  bool on_own_thread() const noexcept override { return here_ == this || owner_ == std::this_thread::get_id(); }

  // --- the runtime's side -----------------------------------------------------------------------------------------------------

  /// What the loop calls for a task that was posted.
  void poll(TaskHeader& task) noexcept;

  /// The calling thread is one of this executor's until the object is destroyed.
  class OnThread {
   public:
    explicit OnThread(PostingExecutor& executor) noexcept { here_ = &executor; }
    OnThread(const OnThread&) = delete;
    ~OnThread() { here_ = nullptr; }
  };

  // Both let the loop run a little by step(), and are idempotent. Any thread, several at once, where the loop allows step() that.

  /// Lets tasks run until none is left, the deadline has come, or somebody else destroys the rest.
  template <class Step>
  void drain(TimePoint until, Step&& step) noexcept;
  /// Destroys the tasks that are left. New ones are refused from here on.
  template <class Step>
  void cancel_all(Step&& step) noexcept;

  ExecutorStats stats() const noexcept;

 private:
  void settle(TaskHeader& task) noexcept;
  void finish(TaskHeader& task) noexcept;
  void destroy(TaskHeader& task) noexcept;
  /// Its frame, and whoever waits for it is told.
  static void destroy_frame(TaskHeader& task) noexcept;
  void cancel_everything() noexcept;
  /// Not less than the number of tasks alive when the call began: what has finished is read first.
  std::uint64_t live() const noexcept {
    const std::uint64_t finished = finished_.load(seq_cst);
    return started_.load(seq_cst) - finished;
  }

  static inline constinit thread_local PostingExecutor* here_ = nullptr;

  Loop& loop_;
  const std::thread::id owner_;
  Atomic<std::uint64_t> started_{0}, finished_{0};
  Atomic<std::uint64_t> polls_{0}, wakes_local_{0}, wakes_remote_{0};
  Atomic<std::uint32_t> visitors_{0};  // threads of others inside enqueue()
  Atomic<bool> closing_{false};        // every task that comes up is destroyed instead of polled
};

template <class Step>
void PostingExecutor::drain(TimePoint until, Step&& step) noexcept {
  while (live() != 0 && clock::now() < until) step();
}

template <class Step>
void PostingExecutor::cancel_all(Step&& step) noexcept {
  closing_.store(true, seq_cst);
  while (live() != 0) {
    cancel_everything();
    step();
  }
  while (visitors_.load(acquire) != 0) step();  // who posted a task that has been polled since may still be inside the loop
}

}  // namespace reactorlab::adapters
