#include "impls/libuv/in_process.hpp"

#include "harness/peer_kit.hpp"
#include "impls/libuv/loop.hpp"

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace reactorlab::libuv_peer {
namespace {

/// A loop and what programs on libuv write to hand work to it. uv_async_send coalesces: one callback may answer for
/// many.
class JobLoop {
 public:
  JobLoop() : loop_(this) {
    check(uv_async_init(loop_.get(), &async_, [](uv_async_t* async) { static_cast<JobLoop*>(async->loop->data)->run_all(); }),
          "uv_async_init");
  }

  void run() { loop_.run(); }
  /// By any thread.
  void push(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    uv_async_send(&async_);
  }
  /// By a job: run() ends. It isn't the job that closes the handle, because whoever pushed it may still be sending.
  void stop() { uv_stop(loop_.get()); }

 private:
  void run_all() {
    {
      const std::lock_guard lock(mutex_);
      running_.swap(jobs_);
    }
    for (const auto& job : running_) job();
    running_.clear();
  }

  uv_async_t async_;
  std::mutex mutex_;
  std::vector<std::function<void()>> jobs_;  ///< guarded by mutex_
  std::vector<std::function<void()>> running_;
  Loop loop_;
};

}  // namespace

InProcessReport cross_thread_wake(const InProcessRequest& request) {
  peer_kit::PingPong game(request);
  uv_async_t bell;
  Loop loop(&game);
  check(uv_async_init(loop.get(), &bell,
                      [](uv_async_t* rung) {
                        if (!static_cast<peer_kit::PingPong*>(rung->loop->data)->answer()) uv_stop(rung->loop);
                      }),
        "uv_async_init");
  game.start([&bell] { uv_async_send(&bell); });
  loop.run();
  return game.report();
}

InProcessReport post(const InProcessRequest& request) {
  peer_kit::Posting posting(request);
  JobLoop loop;
  posting.start([&loop](const peer_kit::Posting::Job& job) {
    loop.push([&loop, job] {
      if (job()) loop.stop();
    });
  });
  posting.open();
  loop.run();
  return posting.report();
}

}  // namespace reactorlab::libuv_peer
