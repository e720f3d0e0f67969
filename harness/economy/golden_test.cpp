// The system calls of one worker, by name, on the instrumented flavour: golden values. Whoever changes one of them changes what the
// operation costs, and says so by changing it here. Not here: futexes of shared homes, whose watchers look by the clock; how often
// a thread of its own waits, which depends on how fast the others are; cross_thread_wake and timer_fire for both reasons.

#include "harness/economy/lockstep.hpp"
#include "harness/economy/system_calls.hpp"
#include "harness/scenarios/reg_churn.hpp"
#include "harness/scenarios/spawn_join.hpp"
#include "harness/scenarios/timer_insert_cancel.hpp"
#include "harness/scenarios/yield.hpp"

namespace reactorlab::economy {
namespace {

constexpr Subject homes[] = {
    {"thread_local", "thread_local", Locking::coarse, true},
    {"arc_mutex_coarse", "arc_mutex", Locking::coarse, true},
    {"arc_mutex_fine", "arc_mutex", Locking::fine, true},
    {"oncelock_global_coarse", "oncelock_global", Locking::coarse, true},
    {"oncelock_global_fine", "oncelock_global", Locking::fine, true},
    {"dedicated_thread", "dedicated_thread", Locking::coarse, true},
};

class Golden : public testing::TestWithParam<Subject> {
 protected:
  /// oncelock_global: the first runtime decides for the whole process.
  void SetUp() override {
    static const Locking first = GetParam().locking;
    if (home() == "oncelock_global" && first != GetParam().locking)
      GTEST_SKIP() << "one reactor per process, and this process's has the other locking: ctest gives each a process";
  }

  [[nodiscard]] static std::string home() { return GetParam().home; }
  /// Only the worker waits, and only where it has nothing else to do.
  [[nodiscard]] static bool waits_are_exact() { return home() == "thread_local" || home() == "arc_mutex"; }

  /// What was counted, without what isn't deterministic here.
  [[nodiscard]] static CallsByName deterministic(CallsByName calls) {
    if (home() != "thread_local") calls.erase("futex");
    if (!waits_are_exact()) calls.erase("epoll_wait");
    return calls;
  }

  /// The calls inside the window of one workload on a fresh runtime.
  template <class Workload>
  [[nodiscard]] static CallsByName calls_of(Workload&& workload, std::uint64_t operations) {
    CallsByName before, after;
    const InProcessRequest request = {.workload = "in the test",
                                      .params = {{"tasks", 64}, {"live", 100}},
                                      .operations = operations,
                                      .on_window_open = [&] { before = system_calls_by_name(); },
                                      .on_window_close = [&] { after = system_calls_by_name(); }};
    const auto runtime = make_runtime(GetParam().home, {.workers = 1, .locking = GetParam().locking});
    const InProcessReport report = workload(*runtime, request);
    EXPECT_EQ(report.operations, operations);
    EXPECT_EQ(report.errors, 0u);
    return deterministic(between(before, after));
  }
};

/// What the counter was asked for at the beginning and at the end of the counted rounds.
std::vector<CallsByName> readings;

CallsByName calls_of_rounds(const Subject& subject) {
  readings.clear();
  (void)cost_of_rounds(
      subject,
      []() -> std::uint64_t {
        readings.push_back(system_calls_by_name());
        return 0;
      },
      counted_rounds);
  return between(readings.at(0), readings.at(1));
}

TEST_P(Golden, tcp_echo) {
  const CallsByName calls = calls_of_rounds(GetParam());
  CallsByName expected = {{"recv", counted_messages}, {"send", counted_messages}};
  if (waits_are_exact()) expected["epoll_wait"] = 2 * counted_rounds;  // the messages, then the client's edge
  EXPECT_EQ(deterministic(calls), expected);
  EXPECT_GE(calls.at("epoll_wait"), counted_rounds) << "in each round somebody waits for what the client sends";
}

TEST_P(Golden, spawn_join) {
  EXPECT_EQ(calls_of([](auto& rt, auto& request) { return scenarios::spawn_join(rt, request); }, 2'000), CallsByName{});
}

TEST_P(Golden, yield) {
  EXPECT_EQ(calls_of([](auto& rt, auto& request) { return scenarios::yield_round(rt, request); }, 6'400), CallsByName{});
}

TEST_P(Golden, timer_insert_cancel) {
  CallsByName calls = calls_of([](auto& rt, auto& request) { return scenarios::timer_insert_cancel(rt, request); }, 2'000);
  if (home() == "dedicated_thread" && calls.contains("write")) {
    // A kick for each deadline that is earlier than what the reactor's thread sleeps for, which it looks up anew when it is
    // kicked: with 100 others pending one in 100 is, if that thread runs each time, and none if it never does.
    EXPECT_LE(calls.at("write"), 2 * 2'000u / 100) << "kicks";
    calls.erase("write");
  }
  EXPECT_EQ(calls, CallsByName{});
}

TEST_P(Golden, reg_churn) {
  constexpr std::uint64_t n = 500;
  CallsByName expected = {
      {"fcntl", n},          // own(): non-blocking?
      {"getsockopt", n},     // own(): a socket?
      {"epoll_ctl", 2 * n},  // add and delete
      {"read", 2 * n},       // EAGAIN, then the value
      {"close", n},
  };
  if (waits_are_exact()) expected["epoll_wait"] = n;
  EXPECT_EQ(calls_of([](auto& rt, auto& request) { return scenarios::reg_churn(rt, request); }, n), expected);
}

INSTANTIATE_TEST_SUITE_P(SystemCalls, Golden, testing::ValuesIn(homes), label_of);

}  // namespace
}  // namespace reactorlab::economy
