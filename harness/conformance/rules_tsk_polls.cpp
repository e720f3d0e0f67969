// TSK: when a task is polled, and how often.

#include <thread>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/probe_task.hpp"
#include "harness/conformance/tasks.hpp"

namespace reactorlab::conformance {
namespace {

/// A probe that ends when it is told to, and runs the test's code at every poll before that.
class Probe {
 public:
  explicit Probe(
      IRuntime& rt, std::function<void()> on_poll = [] {})
      : state_{std::make_shared<State>(std::move(on_poll))},
        task_{rt, [s = state_](auto&) { s->started.set(); },
              [s = state_](ProbeTask::Poll& poll) { s->ending ? poll.finish() : s->on_poll(); }} {}

  /// co_await, once: until it sits there.
  auto started() noexcept { return state_->started.wait(); }
  void wake() const noexcept { task_.waker().wake(); }
  Waker waker() const noexcept { return task_.waker(); }
  unsigned polls() const noexcept { return task_.polls(); }
  JoinHandle<void>& join() noexcept { return task_.join(); }
  /// co_await: its end, which takes one poll.
  Task<> end() {
    state_->ending = true;
    wake();
    co_await task_.join();
  }

 private:
  struct State {
    explicit State(std::function<void()> p) : on_poll{std::move(p)} {}
    const std::function<void()> on_poll;
    std::atomic<bool> ending{false};
    AutoResetEvent started;
  };
  std::shared_ptr<State> state_;
  ProbeTask task_;
};

}  // namespace

// --- TSK-04 ---------------------------------------------------------------------------------------------------------------------

RULE(TSK_04, one_poll_per_wake) {
  constexpr unsigned count = 100;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    std::vector<Probe> probes;
    for (unsigned i = 0; i < count; ++i) probes.emplace_back(rt);
    for (Probe& probe : probes) co_await probe.started();
    for (unsigned wakes = 1; wakes <= 3; ++wakes) {
      for (unsigned i = 0; i < count; ++i) {
        if (i % 4 < wakes) continue;
        probes[i].wake();
        while (probes[i].polls() < wakes) co_await yield();
      }
    }
    for (int turn = 0; turn < 10; ++turn) co_await events_dispatched(rt);
    co_await others_polled();
    unsigned wrong = 0;
    for (unsigned i = 0; i < count; ++i) {
      if (probes[i].polls() != i % 4) ++wrong;
    }
    EXPECT_EQ(wrong, 0u) << "of " << count << " were polled more or less often than woken";
    for (Probe& probe : probes) co_await probe.end();
  }());
}

RULE(TSK_04, resumed_as_often_as_suspended) {
  constexpr unsigned tasks = sanitized ? 1'000 : 10'000;
  std::atomic<unsigned> resumptions{0}, ends{0};
  IRuntime& rt = runtime();
  const auto body = [&](unsigned suspensions) -> Task<> {
    const Witness local{ends};
    for (unsigned i = 0; i < suspensions; ++i) {
      co_await yield();
      resumptions.fetch_add(1);
    }
  };
  rt.block_on([&]() -> Task<> {
    std::vector<JoinHandle<void>> joins;
    for (unsigned i = 0; i < tasks; ++i) joins.push_back(rt.spawn(body(i % 4)));
    for (auto& join : joins) co_await join;
    co_await others_polled();
  }());
  EXPECT_EQ(resumptions, tasks / 4 * (0 + 1 + 2 + 3));
  EXPECT_EQ(ends, tasks);
}

// --- TSK-05 ---------------------------------------------------------------------------------------------------------------------

/// The task is woken by a task of the other worker, which then looks for work.
RULE(TSK_05, woken_while_it_runs) {
  NEEDS(migration);
  if (workers() < 2) return;
  constexpr unsigned rounds = 100;
  std::atomic<unsigned> inside{0}, overlaps{0}, round{0};
  std::atomic<bool> first{false};
  Count entered, leave;
  IRuntime& rt = runtime();
  Probe probe{rt, [&] {
                if (inside.fetch_add(1) != 0) overlaps.fetch_add(1);
                const bool waits = first.exchange(false);  // before the test goes on and sets it again
                entered.add();
                if (waits) leave.wait_for(round);
                inside.fetch_sub(1);
              }};
  rt.block_on([&]() -> Task<> { co_await probe.started(); }());
  const auto waking = [&]() -> Task<> {
    probe.wake();
    co_await yield();  // whatever this worker was given comes first
    leave.add();
  };
  while (round < rounds && overlaps == 0) {
    round.fetch_add(1);
    first = true;
    probe.wake();
    entered.wait_for(2 * round - 1);  // one worker is inside, the other one takes the rest
    rt.spawn(waking()).wait();
    entered.wait_for(2 * round);
  }
  EXPECT_EQ(overlaps, 0u) << "polled by two workers at the same time";
  EXPECT_EQ(probe.polls(), 2 * rounds);
  rt.block_on(probe.end());
}

/// Hammered by threads that belong to no runtime.
RULE(TSK_05, many_wakers) {
  NEEDS(migration);
  constexpr unsigned threads = 8, wakes = sanitized ? 1'000 : 10'000;
  std::atomic<unsigned> inside{0}, overlaps{0};
  unsigned unprotected = 0;  // the sanitizer sees to it that one poll comes after the other
  IRuntime& rt = runtime();
  Probe probe{rt, [&] {
                if (inside.fetch_add(1) != 0) overlaps.fetch_add(1);
                ++unprotected;
                inside.fetch_sub(1);
              }};
  rt.block_on([&]() -> Task<> { co_await probe.started(); }());
  std::vector<std::thread> wakers;
  for (unsigned t = 0; t < threads; ++t) {
    wakers.emplace_back([&] {
      for (unsigned i = 0; i < wakes; ++i) probe.wake();
    });
  }
  for (auto& waker : wakers) waker.join();
  rt.block_on(probe.end());
  EXPECT_EQ(overlaps, 0u);
  EXPECT_GE(unprotected, 1u);
  EXPECT_LE(unprotected, threads * wakes);
}

// --- TSK-06 ---------------------------------------------------------------------------------------------------------------------

namespace {

enum class By { itself, a_plain_thread };

/// Each round: woken by the test, the task is woken once more while that poll goes on.
void woken_during_its_poll(IRuntime& rt, By by) {
  constexpr unsigned rounds = 100;
  AutoResetEvent again;
  std::atomic<bool> first{true};
  std::atomic<std::uint64_t> own{0};
  rt.block_on([&]() -> Task<> {
    Probe probe{rt, [&] {
                  if (!first.exchange(false)) return again.set();
                  const auto wake = [&] { Waker::from_bits(own).wake(); };
                  by == By::itself ? wake() : on_another_thread(wake);
                }};
    co_await probe.started();
    own = probe.waker().bits();
    for (unsigned round = 1; round <= rounds; ++round) {
      first = true;
      probe.wake();
      co_await again.wait();
      EXPECT_EQ(probe.polls(), 2 * round);
    }
    co_await others_polled();
    EXPECT_EQ(probe.polls(), 2 * rounds);
    co_await probe.end();
  }());
}

}  // namespace

RULE(TSK_06, by_itself) { woken_during_its_poll(runtime(), By::itself); }
RULE(TSK_06, by_a_plain_thread) { woken_during_its_poll(runtime(), By::a_plain_thread); }

// --- TSK-07 ---------------------------------------------------------------------------------------------------------------------

namespace {

/// Wakes a parked task by `wake_often`, while nobody can poll it.
template <class WakeOften>
void woken_often(IRuntime& rt, unsigned workers, WakeOften wake_often) {
  AutoResetEvent polled;
  Probe probe{rt, [&] { polled.set(); }};
  rt.block_on([&]() -> Task<> { co_await probe.started(); }());
  for (unsigned round = 1; round <= 10; ++round) {
    {
      const Occupied nobody_polls{rt, workers};
      wake_often(probe.waker());
      EXPECT_EQ(probe.polls(), round - 1);
    }
    rt.block_on([&]() -> Task<> {
      co_await polled.wait();
      co_await others_polled();
      co_await events_dispatched(rt);
      co_await others_polled();
      EXPECT_EQ(probe.polls(), round) << "polls, one for each round";
    }());
  }
  rt.block_on(probe.end());
}

constexpr unsigned wakes = 1'000;

}  // namespace

RULE(TSK_07, by_one_thread) {
  woken_often(runtime(), confined() ? 0 : workers(), [](Waker waker) {
    for (unsigned i = 0; i < wakes; ++i) waker.wake();
  });
}

RULE(TSK_07, by_many_threads) {
  woken_often(runtime(), confined() ? 0 : workers(), [](Waker waker) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([waker] {
        for (unsigned i = 0; i < wakes; ++i) waker.wake();
      });
    }
    for (auto& thread : threads) thread.join();
  });
}

RULE(TSK_07, by_the_own_and_another_thread) {
  woken_often(runtime(), confined() ? 0 : workers(), [](Waker waker) {
    for (int i = 0; i < 10; ++i) {
      waker.wake();
      on_another_thread([waker] { waker.wake(); });
    }
  });
}

// --- TSK-08 ---------------------------------------------------------------------------------------------------------------------

namespace {

constexpr unsigned at_once = 250;

/// Wakers of tasks that are no more: half of them returned, the others were cancelled.
Task<std::vector<Waker>> wakers_of_ended_tasks(IRuntime& rt) {
  std::vector<Waker> wakers;
  for (unsigned lot = 0; lot < 4; ++lot) {
    std::vector<Probe> probes;
    for (unsigned i = 0; i < at_once; ++i) probes.emplace_back(rt);
    for (unsigned i = 0; i < at_once; ++i) {
      co_await probes[i].started();
      wakers.push_back(probes[i].waker());
      if (i % 2 == 0) {
        co_await probes[i].end();
      } else {
        probes[i].join().cancel();
        EXPECT_TRUE(co_await ended_cancelled(probes[i].join()));
      }
    }
  }
  co_return wakers;
}

void wake_all(const std::vector<Waker>& wakers) {
  for (const Waker waker : wakers) waker.wake();
}

}  // namespace

RULE(TSK_08, of_tasks_that_ended) {
  std::vector<Waker> wakers;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    wakers = co_await wakers_of_ended_tasks(rt);
    std::vector<Probe> bystanders;  // which may have got their headers
    for (unsigned i = 0; i < at_once; ++i) bystanders.emplace_back(rt);
    for (Probe& bystander : bystanders) co_await bystander.started();
    wake_all(wakers);
    on_another_thread([&] { wake_all(wakers); });
    co_await others_polled();
    co_await events_dispatched(rt);
    co_await others_polled();
    unsigned polls = 0;
    for (const Probe& bystander : bystanders) polls += bystander.polls();
    EXPECT_EQ(polls, 0u) << "of tasks that nobody woke";
    for (Probe& bystander : bystanders) co_await bystander.end();
  }());
  end_runtime();
  wake_all(wakers);
  on_another_thread([&] { wake_all(wakers); });
}

/// Between its end and the join, and while it is being joined.
RULE(TSK_08, of_a_task_that_is_being_joined) {
  constexpr unsigned rounds = 200;
  std::atomic<std::uint64_t> target{0};
  std::atomic<bool> over{false};
  IRuntime& rt = runtime();
  std::thread foreign{[&] {
    while (!over) Waker::from_bits(target).wake();
  }};
  rt.block_on([&]() -> Task<> {
    for (unsigned round = 0; round < rounds; ++round) {
      Probe probe{rt};
      co_await probe.started();
      target = probe.waker().bits();
      if (round % 2 == 0) {
        co_await probe.end();
      } else {
        probe.join().cancel();
        EXPECT_TRUE(co_await ended_cancelled(probe.join()));
      }
      probe.wake();
    }
  }());
  over = true;
  foreign.join();
}

}  // namespace reactorlab::conformance
