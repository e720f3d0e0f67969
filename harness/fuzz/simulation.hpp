#pragma once
// The threads of a run, as fibers of one real thread: the input's bytes say after how many steps the one that runs is interrupted
// and who goes on. Once they are used up nobody is interrupted any more. Time stands still unless somebody moves it, or nothing
// else can happen.

#include <ucontext.h>

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "core/clock.hpp"
#include "core/sync.hpp"
#include "harness/fuzz/input.hpp"

namespace reactorlab::fuzz {

class Simulation final : public simulation::Schedule, public clock::Source {
 public:
  /// The caller is thread 0. Installed as the flavour's schedule and clock until destroyed, when all others must have been joined.
  explicit Simulation(Input& schedule);
  ~Simulation() override;
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  /// Returns when no other thread can go on, though time stands still: what should have happened by now has. One at a time.
  void wait_until_quiet() noexcept;
  void pass_time(Duration time) noexcept { now_ns_ += static_cast<std::uint64_t>(time.count()); }

  // --- simulation::Schedule, clock::Source
  void step() noexcept override;
  void give_way() noexcept override;
  void sleep(const void* address, std::int64_t nanoseconds) noexcept override;
  void wake(const void* address, int count) noexcept override;
  std::size_t start(std::function<void()> code) override;
  void join(std::size_t thread) noexcept override;
  TimePoint now() noexcept override { return TimePoint{now_ns_}; }

 private:
  enum class State : std::uint8_t { runs, sleeps, waits_for_quiet, ended };
  struct Fiber;

  static void enter() noexcept;
  bool can_go_on(const Fiber& fiber) const noexcept;
  /// The first that can go on, from number `from` on; nullptr if none can.
  Fiber* next_from(std::size_t from) noexcept;
  /// The running thread can't go on: whoever can does, or time moves on.
  void let_others_go_on() noexcept;
  void move_time_on() noexcept;
  void switch_to(Fiber& next) noexcept;
  /// Reads how long the running thread goes on, and who comes then.
  void plan_interruption() noexcept;

  Input& input_;
  std::uint64_t now_ns_ = 1'000'000'000;
  std::vector<std::unique_ptr<Fiber>> fibers_;  // by number
  Fiber* running_;
  std::size_t steps_ = 0;
  std::size_t interrupted_at_ = 0;  // in steps
  std::size_t interrupted_by_ = 0;  // where the search for the next thread begins
  std::size_t time_moved_ = 0;
};

}  // namespace reactorlab::fuzz
