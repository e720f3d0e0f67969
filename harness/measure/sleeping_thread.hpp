#pragma once

#include <mutex>
#include <thread>

namespace reactorlab::measure {

/// A second thread, which sleeps from the making of this to its end. A process that has only one gets gifts: cheaper locks from
/// libc, for as long as it never had another, and cheaper calls on descriptors from the kernel, which needn't hold a file that
/// nobody else can close (fdget()). Whether a process has one thread isn't where its reactor lives, so whatever is measured has a
/// second (docs/BIAS.md). Made and destroyed by one thread.
class SleepingThread {
 public:
  /// Throws std::system_error.
  SleepingThread() {
    // Its only steps, to the place where it sleeps, are taken now and not while something is measured. A fixed number of calls:
    // these are counted, too.
    for (int i = 0; i < 4; ++i) std::this_thread::yield();
  }
  ~SleepingThread() {
    held_.unlock();
    thread_.join();
  }
  SleepingThread(const SleepingThread&) = delete;
  SleepingThread& operator=(const SleepingThread&) = delete;

 private:
  std::mutex mutex_;
  std::unique_lock<std::mutex> held_{mutex_};
  std::thread thread_{[this] { const std::lock_guard sleeps{mutex_}; }};
};

}  // namespace reactorlab::measure
