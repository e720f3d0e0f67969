#pragma once

#include "harness/measure/process_setup.hpp"
#include "harness/primitives/trial.hpp"

#include <exception>
#include <future>
#include <thread>
#include <utility>

namespace reactorlab::primitives {

/// A CPU of its own for a partner. Throws NotMeasurable.
inline int second_cpu(const Cpus& cpus) {
  if (!cpus.other) throw NotMeasurable("it takes two CPUs, and this process may use one: allow another (taskset, cpuset)");
  return *cpus.other;
}

/// A thread beside the one that times, pinned. Whoever has one tells `work` to end before this is destroyed.
class Partner {
 public:
  /// Throws std::system_error if it can't be pinned.
  template <class Work>
  Partner(int cpu, Work work) {
    std::promise<void> pinned;
    thread_ = std::thread([&pinned, cpu, work = std::move(work)] {
      try {
        measure::pin_this_thread({cpu});
      } catch (...) {
        pinned.set_exception(std::current_exception());
        return;
      }
      pinned.set_value();
      work();
    });
    try {
      pinned.get_future().get();
    } catch (...) {
      thread_.join();
      throw;
    }
  }
  ~Partner() { thread_.join(); }
  Partner(const Partner&) = delete;
  Partner& operator=(const Partner&) = delete;

  /// CPU time so far.
  [[nodiscard]] double cpu_ns();

 private:
  std::thread thread_;
};

/// CPU time of the calling thread, and of all threads of the process.
[[nodiscard]] double own_cpu_ns();
[[nodiscard]] double process_cpu_ns();

}  // namespace reactorlab::primitives
