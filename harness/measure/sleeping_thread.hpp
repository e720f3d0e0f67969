#pragma once

#include <atomic>
#include <semaphore>
#include <thread>

#include <sys/types.h>

namespace reactorlab::measure {

/// A second thread, which sleeps from the making of this to its end. A process that has only one gets gifts: cheaper locks from libc, for
/// as long as it never had another, and cheaper calls on descriptors from the kernel, which needn't hold a file that nobody else can
/// close (fdget()). Whether a process has one thread isn't where its reactor lives, so whatever is measured has a second (docs/BIAS.md).
class SleepingThread {
 public:
  /// Throws std::system_error.
  SleepingThread();
  ~SleepingThread();
  SleepingThread(const SleepingThread&) = delete;
  SleepingThread& operator=(const SleepingThread&) = delete;

 private:
  std::atomic<pid_t> id_{0};
  std::binary_semaphore end_{0};
  std::thread thread_;
};

}  // namespace reactorlab::measure
