#include "impls/libuv/in_process.hpp"

#include "harness/peer_kit.hpp"
#include "impls/libuv/loop.hpp"

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace reactorlab::libuv_peer {
namespace {

/// What programs on libuv write to hand work to a loop. uv_async_send coalesces: one callback may answer for many.
class JobQueue {
 public:
  explicit JobQueue(uv_loop_t* loop) {
    check(uv_async_init(loop, &async_, [](uv_async_t* async) { static_cast<JobQueue*>(async->data)->run_all(); }),
          "uv_async_init");
    async_.data = this;
  }

  /// By any thread.
  void push(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    uv_async_send(&async_);
  }
  /// By a job. The loop may then end.
  void close() { uv_close(handle_of(&async_), nullptr); }

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
};

}  // namespace

InProcessReport cross_thread_wake(const InProcessRequest& request) {
  peer_kit::PingPong game(request);
  uv_async_t bell;
  Loop loop(&game);
  check(uv_async_init(loop.get(), &bell,
                      [](uv_async_t* rung) {
                        if (!static_cast<peer_kit::PingPong*>(rung->loop->data)->answer())
                          uv_close(handle_of(rung), nullptr);
                      }),
        "uv_async_init");
  game.start([&bell] { uv_async_send(&bell); });
  loop.run();
  return game.report();
}

InProcessReport post(const InProcessRequest& request) {
  peer_kit::Posting posting(request);
  Loop loop(nullptr);
  JobQueue queue(loop.get());
  posting.start([&queue](const peer_kit::Posting::Job& job) {
    queue.push([&queue, job] {
      if (job()) queue.close();
    });
  });
  posting.open();
  loop.run();
  return posting.report();
}

}  // namespace reactorlab::libuv_peer
