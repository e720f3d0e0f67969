// TMR: timers. The limit that they give to the reactor's wait.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <filesystem>
#include <thread>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/timers.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

namespace {

/// Watches the limits of the waits, and saves a runtime that asks again and again without waiting from spinning for ever.
class Limits {
 public:
  explicit Limits(VirtualClock& time) {
    script_.on(sys::Op::epoll_wait, Script::any_fd, [this, &time](sys::Call& call) -> std::optional<long> {
      if (call.extra > 0) {
        spins_ = 0;
        count_.fetch_add(1);
        longest_ = std::max(longest_.load(), call.extra);
      } else if (call.extra == 0 && ++spins_ == busy_loop) {
        spins_ = 0;
        busy_ = true;
        time.advance(std::chrono::hours{24});
      }
      return std::nullopt;
    });
  }

  unsigned count() const noexcept { return count_; }
  long longest() const noexcept { return longest_; }
  /// It asked for that many waits of no length in a row.
  bool busy() const noexcept { return busy_; }

 private:
  static constexpr unsigned busy_loop = 10'000;
  std::atomic<unsigned> spins_{0}, count_{0};
  std::atomic<long> longest_{0};
  std::atomic<bool> busy_{false};
  Script script_;  // goes first: the runtime outlives us
};

}  // namespace

// --- TMR-06 -------------------------------------------------------------------------------------------------------------------

/// Time moves by the limits of the waits, each at most INT_MAX ms: about 24.8 days.
BOTH_FORMS_RULE(TMR_06, many_waits) {
  constexpr auto longest_wait = std::chrono::milliseconds{INT_MAX};
  VirtualClock& time = use_virtual_time(VirtualClock::Mode::automatic);
  Limits limits{time};
  Rt& rt = runtime<Rt>();
  const auto nearly_32_bits = std::chrono::milliseconds{std::int64_t{1} << 32};
  for (const Duration far : {Duration{longest_wait + 1ms}, Duration{nearly_32_bits + 1ms}, Duration{24h * 365}}) {
    const unsigned waits_before = limits.count();
    rt.block_on([&]() -> Task<> {
      const TimePoint deadline = clock::now() + far;
      const TimePoint woken = co_await sleeping_until(rt, deadline);
      EXPECT_GE(woken, deadline);
      EXPECT_LE(woken - deadline, timer_tolerance);
    }());
    EXPECT_LE(limits.count() - waits_before, static_cast<unsigned>(far / longest_wait) + 2) << far.count() << " ns";
  }
  EXPECT_FALSE(limits.busy());
  EXPECT_EQ(limits.longest(), INT_MAX);
}

/// Time moves only when a wait asks for a few milliseconds.
BOTH_FORMS_RULE(TMR_06, beside_others) {
  VirtualClock& time = use_virtual_time();
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call& call) -> std::optional<long> {
    if (call.extra > 0 && call.extra <= 12) time.advance(std::chrono::milliseconds{call.extra});
    return std::nullopt;
  });
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    auto reading = [&]() -> Task<IoResult> {
      std::byte byte[1];
      co_return co_await timeout(rt, Duration::max(), stream.read(byte));
    };
    auto sleeping = [&](Duration duration) -> Task<> { (void)co_await sleep(rt, duration); };
    auto reader = rt.spawn(reading());
    std::vector<JoinHandle<void>> far;
    for (const Duration duration : {Duration::max(), Duration::max() - 1ms, Duration{std::chrono::milliseconds{INT_MAX} + 1ms}}) {
      far.push_back(rt.spawn(sleeping(duration)));
    }
    auto never = rt.spawn(sleeping_until(rt, TimePoint::never));
    co_await timers_are(rt, 5);
    const TimePoint start = clock::now();
    (void)co_await sleep(rt, 10ms);
    EXPECT_LE(clock::now() - start, 10ms + timer_tolerance);
    EXPECT_EQ(rt.stats().pending_timers, 5u);
    put(pair.peer.get(), "x");
    EXPECT_EQ(co_await reader, IoResult{1});
    for (auto& sleeper : far) EXPECT_TRUE(co_await cancelled(sleeper));
    EXPECT_TRUE(co_await cancelled(never));
    EXPECT_EQ(rt.stats().pending_timers, 0u);
  }());
}

// --- TMR-07 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(TMR_07, virtual_time) {
  constexpr unsigned sleeps = 500;
  VirtualClock& time = use_virtual_time(VirtualClock::Mode::automatic);
  Limits limits{time};
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    const RuntimeStats before = rt.stats();
    for (unsigned i = 0; i < sleeps && !limits.busy(); ++i) {
      const TimePoint deadline = clock::now() + 900us;
      EXPECT_GE(co_await sleeping_until(rt, deadline), deadline);
    }
    const RuntimeStats after = rt.stats();
    EXPECT_LE(after.turns - before.turns, 3 * sleeps);
  }());
  EXPECT_FALSE(limits.busy());
  EXPECT_LE(limits.count(), 2 * sleeps);
  EXPECT_LE(limits.longest(), 2);
}

// --- TMR-17 -------------------------------------------------------------------------------------------------------------------

/// A signal ends each wait after a millisecond.
BOTH_FORMS_RULE(TMR_17, interrupted_waits) {
  constexpr unsigned signals = 99;
  VirtualClock& time = use_virtual_time();
  std::vector<long> limits;
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call& call) -> std::optional<long> {
    if (call.extra <= 0) return std::nullopt;
    limits.push_back(call.extra);
    time.advance(1ms);
    if (limits.size() <= signals) return -EINTR;
    time.advance(5ms);  // and then they end
    return std::nullopt;
  });
  Rt& rt = runtime<Rt>();
  const TimePoint deadline = time.now() + 100ms;
  const TimePoint woken = rt.block_on(sleeping_until(rt, deadline));
  end_runtime();
  EXPECT_GE(woken, deadline);
  ASSERT_EQ(limits.size(), signals + 1);
  for (unsigned i = 0; i <= signals; ++i) EXPECT_EQ(limits[i], limits[0] - static_cast<long>(i)) << "after " << i << " signals";
}

/// Time passes by the signals alone: who starts the whole wait again after each is late by all that went before.
BOTH_FORMS_RULE(TMR_17, storm_until_the_deadline) {
  constexpr unsigned given_up = 10'000;
  VirtualClock& time = use_virtual_time();
  std::atomic<unsigned> signals{0};
  std::atomic<bool> over{false};
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call& call) -> std::optional<long> {
    if (over || call.extra <= 0) return std::nullopt;
    time.advance(1ms);
    return ++signals < given_up ? std::optional<long>{-EINTR} : 0;
  });
  Rt& rt = runtime<Rt>();
  const TimePoint deadline = time.now() + 100ms;
  const TimePoint woken = rt.block_on(sleeping_until(rt, deadline));
  over = true;
  end_runtime();
  EXPECT_GE(woken, deadline);
  EXPECT_LE(woken - deadline, timer_tolerance);
}

namespace {

/// Interrupts every other thread of the process again and again, until destroyed.
class SignalStorm {
 public:
  SignalStorm() {
    struct sigaction nothing{};
    nothing.sa_handler = [](int) {};  // without SA_RESTART; stays, for signals that are still under way
    checked(::sigaction(SIGUSR1, &nothing, nullptr), "sigaction");
    thread_ = std::thread{[this] { rage(); }};
    while (rounds_ == 0) std::this_thread::yield();
  }
  SignalStorm(const SignalStorm&) = delete;
  ~SignalStorm() {
    over_ = true;
    thread_.join();
  }

 private:
  void rage() {
    for (; !over_; rounds_.fetch_add(1)) {
      for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/task"}) {
        const int id = std::stoi(entry.path().filename().string());
        if (id != ::gettid()) ::tgkill(::getpid(), id, SIGUSR1);
      }
    }
  }

  std::atomic<bool> over_{false};
  std::atomic<unsigned> rounds_{0};
  std::thread thread_;
};

}  // namespace

/// The storm lasts as long as the sleep: who starts the whole wait again after each signal never gets to its end.
BOTH_FORMS_RULE(TMR_17, real_signals) {
  Rt& rt = runtime<Rt>();
  const SignalStorm storm;
  const TimePoint deadline = clock::now() + 20ms;
  EXPECT_GE(rt.block_on(sleeping_until(rt, deadline)), deadline);
}

}  // namespace reactorlab::conformance
