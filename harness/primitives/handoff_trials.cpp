// One thread wakes another and waits for it in turn. Costs are those of one direction: half of the round trip, and of the CPU time
// that both threads spend on it.

#include "core/fd.hpp"
#include "core/sync.hpp"
#include "harness/primitives/catalogue.hpp"
#include "harness/primitives/partner.hpp"
#include "harness/primitives/require.hpp"

#include <array>
#include <atomic>
#include <chrono>

#include <sched.h>
#include <sys/epoll.h>

namespace reactorlab::primitives {
namespace {

/// What lies between the two: `pass` gives the turn to a player, 0 or 1, `await` returns when the caller has it.
class FutexBaton {
 public:
  void pass(std::uint32_t player) {
    turn_ = player;
    sys::futex_wake(turn_);
  }
  void await(std::uint32_t player) {
    while (turn_ != player) sys::futex_wait(turn_, 1 - player);
  }

 protected:
  alignas(64) Atomic<std::uint32_t> turn_ = 0;
};

class SpinningFutexBaton : public FutexBaton {
 public:
  void await(std::uint32_t player) {
    while (turn_ != player) relax();
  }
};

class YieldBaton {
 public:
  void pass(std::uint32_t player) { turn_ = player; }
  void await(std::uint32_t player) {
    while (turn_ != player) ::sched_yield();
  }

 private:
  std::atomic<std::uint32_t> turn_ = 0;
};

/// An eventfd that is registered edge-triggered and never read, as the homes are kicked.
class Bell {
 public:
  Bell() {
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = fd_.get()}};
    require(sys::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd_.get(), &event), "epoll_ctl");
  }
  void ring() {
    constexpr std::uint64_t one = 1;
    require(sys::write(fd_.get(), &one, sizeof one), "write to an eventfd");
  }
  void await(int timeout_ms) {
    epoll_event event;
    for (;;) {
      const long n = sys::epoll_wait(epoll_.get(), &event, 1, timeout_ms);
      if (n > 0) return;
      if (n != -EINTR) require(n, "epoll_wait");
    }
  }

 private:
  UniqueFd epoll_{static_cast<int>(require(sys::epoll_create(), "epoll_create1"))};
  UniqueFd fd_{static_cast<int>(require(sys::eventfd(), "eventfd"))};
};

template <int kTimeoutMs>
class BellBaton {
 public:
  void pass(std::uint32_t player) { bells_[player].ring(); }
  void await(std::uint32_t player) { bells_[player].await(kTimeoutMs); }

 private:
  std::array<Bell, 2> bells_;
};

template <class Baton>
class PingPong final : public Trial {
 public:
  explicit PingPong(int partner_cpu)
      : partner_(partner_cpu, [this] {
          for (;;) {
            baton_.await(1);
            if (over_) return;
            baton_.pass(0);
          }
        }) {}
  ~PingPong() override {
    over_ = true;
    baton_.pass(1);
  }

  Batch measure() override {
    const double cpu_before = process_cpu_ns();
    const Stopwatch watch;
    for (std::uint64_t i = 0; i < kRoundTrips; ++i) {
      baton_.pass(1);
      baton_.await(0);
    }
    const double wall_ns = watch.ns();
    return {2 * kRoundTrips, wall_ns, process_cpu_ns() - cpu_before};
  }

 private:
  static constexpr std::uint64_t kRoundTrips = 8;

  Baton baton_;
  std::atomic<bool> over_ = false;
  Partner partner_;  // last: it uses the others
};

template <class Baton>
std::unique_ptr<Trial> on_one_cpu(const Cpus& cpus) {
  return std::make_unique<PingPong<Baton>>(cpus.own);
}

template <class Baton>
std::unique_ptr<Trial> on_two_cpus(const Cpus& cpus) {
  return std::make_unique<PingPong<Baton>>(second_cpu(cpus));
}

/// What a thread pays that is blocked in epoll_wait and woken from outside: its CPU time alone, the waker's isn't in it. The pause
/// before each wake is long enough for it to block, and for its CPU to become idle.
class BlockedWait final : public Trial {
 public:
  explicit BlockedWait(const Cpus& cpus)
      : sleeper_(second_cpu(cpus), [this] {
          for (;;) {
            bell_.await(-1);
            if (over_) return;
            woken_.fetch_add(1);
          }
        }) {}
  ~BlockedWait() override {
    over_ = true;
    bell_.ring();
  }

  Batch measure() override {
    const double cpu_before = sleeper_.cpu_ns();
    double wall_ns = 0;
    for (std::uint64_t i = 0; i < kWakes; ++i) {
      const Stopwatch pause;
      while (pause.ns() < kPauseNs) relax();
      const std::uint64_t before = woken_;
      const Stopwatch watch;
      bell_.ring();
      while (woken_ == before) relax();
      wall_ns += watch.ns();
    }
    return {kWakes, wall_ns, sleeper_.cpu_ns() - cpu_before};
  }

 private:
  static constexpr std::uint64_t kWakes = 8;
  static constexpr double kPauseNs = 30'000;

  Bell bell_;
  alignas(64) std::atomic<std::uint64_t> woken_ = 0;
  std::atomic<bool> over_ = false;
  Partner sleeper_;  // last: it uses the others
};

std::unique_ptr<Trial> blocked_wait(const Cpus& cpus) { return std::make_unique<BlockedWait>(cpus); }

}  // namespace

std::vector<Known> handoff_trials() {
  return {
      {"thread_switch", "two threads of one CPU take turns by sched_yield: nobody blocks, nobody is woken", on_one_cpu<YieldBaton>},
      {"futex_wake_same_cpu",
       "FUTEX_WAKE of a thread blocked on the same CPU, which then blocks the waker: both calls and the switch",
       on_one_cpu<FutexBaton>},
      {"futex_wake_idle_cpu", "the same across CPUs: the other one is idle until it is woken", on_two_cpus<FutexBaton>},
      {"futex_wake_hot_cpu", "the same where both spin on the word: FUTEX_WAKE finds nobody", on_two_cpus<SpinningFutexBaton>},
      {"eventfd_wake_same_cpu", "an eventfd wakes a thread blocked in epoll_wait on the same CPU: both calls and the switch",
       on_one_cpu<BellBaton<-1>>},
      {"eventfd_wake_idle_cpu", "the same across CPUs: the other one is idle until it is woken", on_two_cpus<BellBaton<-1>>},
      {"eventfd_wake_hot_cpu", "the same where both poll by epoll_wait(0)", on_two_cpus<BellBaton<0>>},
      {"epoll_wait_blocked", "an epoll_wait that blocks until another CPU writes an eventfd: CPU time of the waiting thread alone",
       blocked_wait},
  };
}

}  // namespace reactorlab::primitives
