#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>

namespace reactorlab::primitives {

/// Where trials run: the thread that times is pinned to `own`, a partner to `own` or to `other`.
struct Cpus {
  int own;
  std::optional<int> other;  ///< nothing: this process may use one CPU only
};

/// One timed stretch.
struct Batch {
  std::uint64_t operations;
  double wall_ns;
  std::optional<double> cpu_ns;  ///< nothing where it is wall_ns: one thread that never waits
};

/// Does a primitive again and again. Made and asked by one thread, which is pinned; what it sets up isn't timed.
class Trial {
 public:
  Trial() = default;
  virtual ~Trial() = default;
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  /// Takes microseconds, so that an interrupt is heeded soon. Throws std::system_error.
  virtual Batch measure() = 0;
};

/// This machine has no such primitive; the text says why.
struct NotMeasurable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Stopwatch {
 public:
  [[nodiscard]] double ns() const { return std::chrono::duration<double, std::nano>(Clock::now() - started_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point started_ = Clock::now();
};

/// A call of `operation` is one operation.
template <class Operation>
class Loop final : public Trial {
 public:
  explicit Loop(Operation operation) : operation_(std::move(operation)) {
    while (measure().wall_ns < kBatchNs) repetitions_ *= 2;
  }

  Batch measure() override {
    const Stopwatch watch;
    for (std::uint64_t i = 0; i < repetitions_; ++i) operation_();
    return {repetitions_, watch.ns(), std::nullopt};
  }

 private:
  static constexpr double kBatchNs = 20'000;  ///< the clock's own cost is then below half a percent

  Operation operation_;
  std::uint64_t repetitions_ = 16;
};

}  // namespace reactorlab::primitives
