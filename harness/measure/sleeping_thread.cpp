#include "harness/measure/sleeping_thread.hpp"

#include "harness/measure/thread_counts.hpp"

#include <unistd.h>

namespace reactorlab::measure {

SleepingThread::SleepingThread()
    : thread_{[this] {
        id_ = ::gettid();
        end_.acquire();
      }} {
  // On its maker's CPU it runs when that one gives way, which is to be now, and not while something is measured.
  do {
    std::this_thread::yield();
  } while (id_ == 0 || read_thread_counts(::getpid())[id_].voluntary_switches == 0);
}

SleepingThread::~SleepingThread() {
  end_.release();
  thread_.join();
}

}  // namespace reactorlab::measure
