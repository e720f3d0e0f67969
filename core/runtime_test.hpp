#pragma once
// What the unit tests of everything above a runtime share: they run on every home and configuration.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <ostream>
#include <string>

#include "core/event.hpp"
#include "core/process_end.hpp"
#include "core/runtime.hpp"

namespace reactorlab {

struct Configuration {
  const char* home;
  RuntimeOptions options;
  const char* label;
  friend std::ostream& operator<<(std::ostream& out, const Configuration& c) { return out << c.label; }
};

inline const Configuration configurations[] = {
    {"thread_local", {}, "thread_local"},
    {"arc_mutex", {.workers = 1, .locking = Locking::coarse}, "arc_mutex_coarse_1"},
    {"arc_mutex", {.workers = 2, .locking = Locking::coarse}, "arc_mutex_coarse_2"},
    {"arc_mutex", {.workers = 1, .locking = Locking::fine}, "arc_mutex_fine_1"},
    {"arc_mutex", {.workers = 2, .locking = Locking::fine}, "arc_mutex_fine_2"},
    {"oncelock_global", {.workers = 1, .locking = Locking::coarse}, "oncelock_global_coarse_1"},
    {"oncelock_global", {.workers = 2, .locking = Locking::fine}, "oncelock_global_fine_2"},
    {"dedicated_thread", {.workers = 1}, "dedicated_thread_1"},
    {"dedicated_thread", {.workers = 2}, "dedicated_thread_2"},
};

class RuntimeTest : public testing::TestWithParam<Configuration> {
 protected:
  /// Runs a coroutine lambda as the root task; the lambda and what it refers to live until it has ended.
  template <class Body>
  auto run(Body&& body) {
    return runtime().block_on(body());
  }
  IRuntime& runtime() { return *runtime_; }
  void end_runtime() { runtime_.reset(); }
  void TearDown() override {
    end_runtime();
    simulate_end_of_process();
  }
  bool confined() const { return GetParam().home == std::string{"thread_local"}; }
  /// All tasks share one thread: what a task sees between two suspensions is all there is.
  bool one_thread() const { return GetParam().options.workers == 1; }

 private:
  std::unique_ptr<IRuntime> runtime_ = make_runtime(GetParam().home, GetParam().options);
};

#define REACTORLAB_ON_EVERY_RUNTIME(suite)                                  \
  INSTANTIATE_TEST_SUITE_P(Homes, suite, testing::ValuesIn(configurations), \
                           [](const auto& instance) { return std::string{instance.param.label}; })

/// Counts its own end, once, wherever it has moved to.
class Witness {
 public:
  explicit Witness(std::atomic<int>& ends, AutoResetEvent* told = nullptr) : ends_{&ends}, told_{told} {}
  Witness(Witness&& other) noexcept : ends_{std::exchange(other.ends_, nullptr)}, told_{other.told_} {}
  Witness& operator=(Witness&& other) noexcept {
    std::swap(ends_, other.ends_);
    std::swap(told_, other.told_);
    return *this;
  }
  ~Witness() {
    if (!ends_) return;
    ends_->fetch_add(1);
    if (told_) told_->set();
  }

 private:
  std::atomic<int>* ends_;
  AutoResetEvent* told_;
};

/// Parks for ever.
inline Task<> never(Witness) {
  AutoResetEvent event;
  co_await event.wait();
}

/// Lets others run until the condition holds.
template <class Condition>
Task<> until(Condition condition) {
  while (!condition()) co_await yield();
}

}  // namespace reactorlab
