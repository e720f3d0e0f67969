#pragma once
// Threads that belong to no runtime.

#include <atomic>
#include <thread>

namespace reactorlab::conformance {

/// Runs code on a thread of its own and returns when it is done.
template <class Code>
void on_another_thread(Code&& code) {
  std::thread{[&] { code(); }}.join();
}

/// A number that grows, and for which a thread can wait asleep, so that the hang oracle sees it sleep. Any thread.
class Count {
 public:
  void add() noexcept {
    n_.fetch_add(1);
    n_.notify_all();
  }
  /// Never lowers it.
  void raise_to(unsigned n) noexcept {
    unsigned now = n_.load();
    while (now < n && !n_.compare_exchange_weak(now, n)) {
    }
    n_.notify_all();
  }
  unsigned value() const noexcept { return n_.load(); }
  void wait_for(unsigned n) const noexcept {
    for (unsigned now = n_.load(); now < n; now = n_.load()) n_.wait(now);
  }

 private:
  std::atomic<unsigned> n_{0};
};

}  // namespace reactorlab::conformance
