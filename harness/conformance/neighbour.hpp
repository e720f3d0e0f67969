#pragma once
// A second runtime beside the one under test, on a thread of its own, since a confined one has to be: made, driven and destroyed
// there.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "core/reactorlab.hpp"
#include "harness/conformance/tasks.hpp"

namespace reactorlab::conformance {

/// Its members: one thread at a time, which isn't the neighbour's, nor one of its workers.
class Neighbour {
 public:
  /// `make` as RuleTest::make().
  explicit Neighbour(std::function<std::unique_ptr<IRuntime>()> make) {
    there([&] { runtime_ = make(); });
  }
  Neighbour(const Neighbour&) = delete;
  ~Neighbour() {
    end();
    post({});
    thread_.join();
  }

  IRuntime& runtime() noexcept { return *runtime_; }

  /// Runs code on the neighbour's thread, outside any run, and returns when it is done.
  template <class Code>
  void there(Code&& code) {
    rest();
    post([&] { code(); });
    wait();
  }

  /// From now on the thread is inside block_on, so that a confined runtime is driven; the others don't need it. On return it is
  /// inside.
  void drive() {
    if (std::exchange(driven_, true)) return;
    post([this] {
      runtime_->block_on([](Count& inside, AutoResetEvent& over) -> Task<> {
        inside.add();
        co_await over.wait();
      }(inside_, over_));
    });
    inside_.wait_for(++drives_);
  }
  /// No more.
  void rest() {
    if (!std::exchange(driven_, false)) return;
    over_.set();
    wait();
  }

  /// Destroys the runtime.
  void end() {
    if (runtime_) there([this] { runtime_.reset(); });
  }

 private:
  void run() {
    for (;;) {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [this] { return job_.has_value(); });
      if (!*job_) return;
      const std::function<void()> job = *job_;
      lock.unlock();
      job();
      lock.lock();
      job_.reset();
      changed_.notify_all();
    }
  }
  void post(std::function<void()> job) {
    std::lock_guard lock{mutex_};
    job_ = std::move(job);
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return !job_.has_value(); });
  }

  std::unique_ptr<IRuntime> runtime_;
  Count inside_;
  AutoResetEvent over_;
  unsigned drives_ = 0;
  bool driven_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::function<void()>> job_;  // guarded by mutex_; an empty function: the end
  std::thread thread_{[this] { run(); }};
};

}  // namespace reactorlab::conformance
