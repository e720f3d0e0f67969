#pragma once
// The simulated flavour's threads: what core/sync names Atomic, PlainMutex and Thread is here part of a simulation, in which one
// thread runs at a time and others get their turn only at a step: before each atomic operation, and wherever a thread would have to
// wait. Whoever drives the simulation (harness/fuzz) chooses who runs then, so one run can be repeated exactly.
//
// Sequentially consistent: what weaker memory orders allow beyond that is ThreadSanitizer's business.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <utility>

namespace reactorlab::simulation {

/// Who runs when. All calls from the thread that runs.
class Schedule {
 public:
  virtual ~Schedule() = default;
  /// The caller is about to look at, or change, what others see.
  virtual void step() noexcept = 0;
  /// The same, in a loop that only others can end: they go first.
  virtual void give_way() noexcept = 0;
  /// The caller sleeps until wake() of that address, or until that time has passed.
  static constexpr std::int64_t for_ever = INT64_MAX;
  virtual void sleep(const void* address, std::int64_t nanoseconds) noexcept = 0;
  /// Wakes the first `count` sleepers of that address.
  virtual void wake(const void* address, int count) noexcept = 0;
  /// A thread that runs `code`, from some later step on. Its number, for join().
  virtual std::size_t start(std::function<void()> code) = 0;
  virtual void join(std::size_t thread) noexcept = 0;
};

/// nullptr: there is but one thread, which never has to wait.
inline constinit Schedule* schedule = nullptr;

inline void step() noexcept {
  if (schedule) schedule->step();
}
inline void give_way() noexcept {
  if (schedule) schedule->give_way();
}

/// What std::atomic offers, as far as the library uses it.
template <class T>
class Atomic {
 public:
  constexpr Atomic() noexcept = default;
  constexpr Atomic(T value) noexcept : value_{value} {}  // NOLINT: as std::atomic's
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(std::memory_order = std::memory_order_seq_cst) const noexcept {
    step();
    return value_;
  }
  void store(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    step();
    value_ = value;
  }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    step();
    return std::exchange(value_, value);
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst) noexcept {
    step();
    if (value_ == expected) return value_ = value, true;
    expected = value_;
    return false;
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order = std::memory_order_seq_cst,
                             std::memory_order = std::memory_order_seq_cst) noexcept {
    return compare_exchange_strong(expected, value);
  }
  T fetch_add(T n, std::memory_order = std::memory_order_seq_cst) noexcept {
    step();
    return std::exchange(value_, static_cast<T>(value_ + n));
  }
  T fetch_sub(T n, std::memory_order = std::memory_order_seq_cst) noexcept {
    step();
    return std::exchange(value_, static_cast<T>(value_ - n));
  }
  T fetch_and(T mask, std::memory_order = std::memory_order_seq_cst) noexcept {
    step();
    return std::exchange(value_, static_cast<T>(value_ & mask));
  }
  T fetch_or(T bits, std::memory_order = std::memory_order_seq_cst) noexcept {
    step();
    return std::exchange(value_, static_cast<T>(value_ | bits));
  }
  operator T() const noexcept { return load(); }  // NOLINT: as std::atomic's
  void operator+=(T n) noexcept { fetch_add(n); }

 private:
  T value_{};
};

/// A wait for one word, as futex(2): not if it has another value by now.
inline void wait_for_word(const Atomic<std::uint32_t>& word, std::uint32_t expected, std::int64_t nanoseconds) noexcept {
  if (word.load() == expected) schedule->sleep(&word, nanoseconds);
}
inline void wake_word(const Atomic<std::uint32_t>& word, int count) noexcept {
  if (schedule) schedule->wake(&word, count);
}

class Mutex {
 public:
  Mutex() noexcept = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() noexcept {
    step();
    while (held_) schedule->sleep(this, Schedule::for_ever);
    held_ = true;
  }
  bool try_lock() noexcept {
    step();
    return !std::exchange(held_, true);
  }
  void unlock() noexcept {
    held_ = false;
    if (schedule) schedule->wake(this, 1);
  }

 private:
  bool held_ = false;
};

class Thread {
 public:
  Thread() noexcept = default;
  template <class Code>
  explicit Thread(Code code) : number_{schedule->start(std::move(code))}, joinable_{true} {}
  Thread(Thread&& other) noexcept : number_{other.number_}, joinable_{std::exchange(other.joinable_, false)} {}
  Thread& operator=(Thread&& other) noexcept {
    if (joinable_) std::terminate();
    number_ = other.number_;
    joinable_ = std::exchange(other.joinable_, false);
    return *this;
  }
  ~Thread() {
    if (joinable_) std::terminate();
  }

  bool joinable() const noexcept { return joinable_; }
  void join() noexcept {
    schedule->join(number_);
    joinable_ = false;
  }
  /// It runs on; the schedule's end waits for it.
  void detach() noexcept { joinable_ = false; }

 private:
  std::size_t number_ = 0;
  bool joinable_ = false;
};

}  // namespace reactorlab::simulation
