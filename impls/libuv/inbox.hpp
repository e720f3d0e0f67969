#pragma once

#include "impls/libuv/loop.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace reactorlab::libuv_peer {

struct Connection;

/// What was read of a connection, on its way to a worker and back. Who has it owns its bytes.
struct Job {
  uv_write_t write;  ///< for what the kernel didn't take at once
  Connection* connection = nullptr;
  std::size_t size = 0;
  std::unique_ptr<char[]> bytes;
};

/// How other threads hand jobs to a loop, many at a time: a queue, and a uv_async_t that rings once for all that is in it. Outlives
/// the loop that it is opened on, as every handle does.
class Inbox {
 public:
  /// `on_ring` is called in the loop's thread with uv_async_t::data == owner, to take(). Before any other call.
  void open(uv_loop_t* loop, void* owner, uv_async_cb on_ring) {
    check(uv_async_init(loop, &bell_, on_ring), "uv_async_init (raise the limit of open files: ulimit -n)");
    bell_.data = owner;
  }

  /// Any thread; leaves `jobs` empty.
  void post(std::vector<Job*>& jobs) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.insert(jobs_.end(), jobs.begin(), jobs.end());
    }
    jobs.clear();
    uv_async_send(&bell_);
  }
  /// Any thread: after this the loop's thread finds closed().
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    uv_async_send(&bell_);
  }

  // --- the loop's thread ---
  /// Exchanges what has come for `taken`, which has to be empty.
  void take(std::vector<Job*>& taken) {
    const std::lock_guard lock(mutex_);
    jobs_.swap(taken);
  }
  [[nodiscard]] bool closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  [[nodiscard]] uv_handle_t* bell() { return handle_of(&bell_); }

 private:
  uv_async_t bell_;
  std::mutex mutex_;
  std::vector<Job*> jobs_;  ///< guarded by mutex_
  bool closed_ = false;     ///< guarded by mutex_
};

}  // namespace reactorlab::libuv_peer
