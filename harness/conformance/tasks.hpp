#pragma once
// Tasks whose lives a test can follow, and workers that it keeps from polling them.

#include <atomic>
#include <utility>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/conformance/foreign.hpp"

namespace reactorlab::conformance {

/// Counts its end, once, however often it was moved; then sets the event. A local, an argument or a result of a task.
class Witness {
 public:
  explicit Witness(std::atomic<unsigned>& ends, AutoResetEvent* ended = nullptr) noexcept : ends_{&ends}, ended_{ended} {}
  Witness(Witness&& other) noexcept : ends_{std::exchange(other.ends_, nullptr)}, ended_{other.ended_} {}
  Witness& operator=(Witness&&) = delete;
  ~Witness() {
    if (!ends_) return;
    AutoResetEvent* const ended = ended_;
    ends_->fetch_add(1);
    if (ended) ended->set();
  }

 private:
  std::atomic<unsigned>* ends_;
  AutoResetEvent* ended_;
};

/// Runs code when it is destroyed.
template <class Code>
class AtEnd {
 public:
  explicit AtEnd(Code code) : code_{std::move(code)} {}
  AtEnd(const AtEnd&) = delete;
  ~AtEnd() { code_(); }

 private:
  Code code_;
};

/// co_await: for ever. Only a cancel ends it.
struct Forever {
  bool await_ready() const noexcept { return false; }
  template <TaskPromise Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) const noexcept {
    TaskHeader& task = *frame.promise().task();
    task.frame = frame;
    task.poll = [](TaskHeader&) noexcept {};
  }
  void await_resume() const noexcept {}
};

/// co_await: the task's end. True if it was cancelled.
template <class T>
Task<bool> ended_cancelled(JoinHandle<T>& task) {
  try {
    (void)co_await task;
  } catch (const TaskCancelled&) {
    co_return true;
  }
  co_return false;
}

/// co_await: everything that was ready before has been polled, where one worker polls everything.
inline Task<> others_polled() {
  for (int i = 0; i < 20; ++i) co_await yield();
}

/// Workers that are inside a task which blocks, until this is destroyed. Made on a thread that isn't one of them. With
/// none of them left nobody polls a task; nor does anybody on a confined runtime outside block_on.
class Occupied {
 public:
  Occupied(IRuntime& rt, unsigned workers) {
    for (unsigned n = 1; n <= workers; ++n) {
      tasks_.push_back(rt.spawn(block(*this)));
      inside_.wait_for(n);  // so the next one gets another worker
    }
  }
  Occupied(const Occupied&) = delete;
  ~Occupied() {
    over_.add();
    for (auto& task : tasks_) task.wait();
  }

 private:
  static Task<> block(Occupied& occupied) {
    occupied.inside_.add();
    occupied.over_.wait_for(1);
    co_return;
  }

  Count inside_, over_;
  std::vector<JoinHandle<void>> tasks_;
};

}  // namespace reactorlab::conformance
