// TSK: cancelling a task.

#include <mutex>
#include <string>
#include <thread>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/tasks.hpp"
#include "harness/conformance/timers.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

// --- TSK-14 ---------------------------------------------------------------------------------------------------------------------

namespace {

/// What became of the tasks of a test.
struct Fates {
  std::atomic<unsigned> started{0};
  std::atomic<unsigned> ended{0};
  std::atomic<unsigned> elsewhere{0};  ///< of these, on a thread that isn't the runtime's
  std::atomic<unsigned> went_on{0};
};

/// A task that waits for what this makes, and for nothing else.
template <class MakeWait>
Task<> waiting_for(IRuntime& rt, Fates& fates, MakeWait make_wait) {
  const AtEnd local{[&] {
    fates.ended.fetch_add(1);
    if (!rt.executor().on_own_thread()) fates.elsewhere.fetch_add(1);
  }};
  fates.started.fetch_add(1);
  co_await make_wait();
  fates.went_on.fetch_add(1);
}

/// Cancels them all, as tasks of the runtime see it.
Task<> expect_cancellable(std::vector<JoinHandle<void>>& tasks, Fates& fates) {
  while (fates.started != tasks.size()) co_await yield();
  co_await others_polled();
  for (auto& task : tasks) {
    task.cancel();
    EXPECT_TRUE(co_await ended_cancelled(task));
  }
  EXPECT_EQ(fates.ended, fates.started);
  EXPECT_EQ(fates.elsewhere, 0u) << "frames were destroyed on a thread that isn't the runtime's";
  EXPECT_EQ(fates.went_on, 0u);
}

Task<> never() { co_await Forever{}; }

}  // namespace

RULE(TSK_14, that_waits_for_other_tasks) {
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    for (int round = 0; round < 50; ++round) {
      Fates fates;
      AutoResetEvent event;
      Channel<int> channel{1};
      auto other = rt.spawn(never());
      std::vector<JoinHandle<void>> tasks;
      tasks.push_back(rt.spawn(waiting_for(rt, fates, [] { return Forever{}; })));
      tasks.push_back(rt.spawn(waiting_for(rt, fates, [&] { return event.wait(); })));
      tasks.push_back(rt.spawn(waiting_for(rt, fates, [&]() -> Task<> { co_await other; })));
      tasks.push_back(rt.spawn(waiting_for(rt, fates, [&]() -> Task<> { (void)co_await channel.receive(); })));
      co_await expect_cancellable(tasks, fates);
      other.cancel();
      EXPECT_TRUE(co_await ended_cancelled(other));
      event.set();
      EXPECT_TRUE(event.try_wait()) << "somebody waits for it still";
      EXPECT_TRUE(channel.try_send(1));
      EXPECT_EQ(channel.try_receive(), 1) << "somebody waits for it still";
    }
  }());
}

RULE(TSK_14, that_waits_for_io_or_time) {
  use_virtual_time();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    for (int round = 0; round < 20; ++round) {
      Fates fates;
      std::vector<JoinHandle<void>> tasks;
      for (int i = 0; i < 5; ++i) {
        tasks.push_back(rt.spawn(waiting_for(rt, fates, [&]() -> Task<> {
          auto handle = AsyncFd::own(rt, event_fd().release());
          (void)co_await handle.readable();
        })));
        tasks.push_back(rt.spawn(waiting_for(rt, fates, [&]() -> Task<> { (void)co_await sleep(rt, 24h); })));
        tasks.push_back(rt.spawn(waiting_for(rt, fates, [&]() -> Task<> {
          auto handle = AsyncFd::own(rt, event_fd().release());
          (void)co_await timeout(rt, 24h, handle.readable());
        })));
      }
      co_await waiters_are(rt, 10);
      co_await timers_are(rt, 10);
      EXPECT_EQ(rt.stats().registrations, 10u);
      co_await expect_cancellable(tasks, fates);
      co_await waiters_are(rt, 0);
      co_await timers_are(rt, 0);
      EXPECT_EQ(rt.stats().registrations, 0u);
    }
  }());
}

RULE(TSK_14, frames_end_from_the_inside_out) {
  std::string order;
  IRuntime& rt = runtime();
  const auto inner = [&]() -> Task<> {
    const AtEnd local{[&] { order += "inner "; }};
    co_await Forever{};
  };
  const auto outer = [&]() -> Task<> {
    const AtEnd local{[&] { order += "outer"; }};
    co_await inner();
  };
  rt.block_on([&]() -> Task<> {
    auto task = rt.spawn(outer());
    co_await others_polled();
    task.cancel();
    EXPECT_TRUE(co_await ended_cancelled(task));
  }());
  if (workers() == 1) {
    EXPECT_EQ(order, "inner outer");
  }  // else it may not have begun
}

// --- TSK-15 ---------------------------------------------------------------------------------------------------------------------

namespace {

template <class Cancel>
void cancelled_unrun(IRuntime& rt, unsigned workers, Cancel cancel) {
  std::atomic<unsigned> runs{0}, ends{0};
  const auto body = [&](Witness) -> Task<> {
    runs.fetch_add(1);
    co_return;
  };
  for (unsigned round = 1; round <= 10; ++round) {
    std::optional<JoinHandle<void>> task;
    {
      const Occupied nobody_polls{rt, workers};
      task.emplace(rt.spawn(body(Witness{ends})));
      cancel(*task);
    }
    rt.block_on([&]() -> Task<> { EXPECT_TRUE(co_await ended_cancelled(*task)); }());
    EXPECT_EQ(runs, 0u);
    EXPECT_EQ(ends, round) << "destructions of an argument, one for each round";
  }
}

}  // namespace

RULE(TSK_15, by_the_thread_that_spawned_it) {
  cancelled_unrun(runtime(), confined() ? 0 : workers(), [](auto& task) { task.cancel(); });
}

RULE(TSK_15, by_another_thread) {
  cancelled_unrun(runtime(), confined() ? 0 : workers(), [](auto& task) { on_another_thread([&] { task.cancel(); }); });
}

RULE(TSK_15, spawned_and_cancelled_by_a_task) {
  std::atomic<unsigned> runs{0}, ends{0};
  IRuntime& rt = runtime();
  const auto body = [&](Witness) -> Task<> {
    runs.fetch_add(1);
    co_return;
  };
  rt.block_on([&]() -> Task<> {
    for (unsigned round = 1; round <= 100; ++round) {
      const unsigned before = runs;
      auto task = rt.spawn(body(Witness{ends}));
      task.cancel();
      const bool cancelled = co_await ended_cancelled(task);
      EXPECT_NE(cancelled, runs != before);  // another worker may have been quick
      if (workers() == 1) {
        EXPECT_TRUE(cancelled);
      }
      EXPECT_EQ(ends, round);
    }
  }());
}

// --- TSK-16 ---------------------------------------------------------------------------------------------------------------------

RULE(TSK_16, again_and_too_late) {
  std::atomic<unsigned> ends{0};
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    const auto finishing = [&]() -> Task<Witness> { co_return Witness{ends}; };
    for (unsigned round = 1; round <= 50; ++round) {
      auto parked = rt.spawn(never());
      for (int i = 0; i < 3; ++i) parked.cancel();
      EXPECT_TRUE(co_await ended_cancelled(parked));
      auto finished = rt.spawn(finishing());
      while (!finished.done()) co_await yield();
      for (int i = 0; i < 3; ++i) finished.cancel();
      EXPECT_FALSE(co_await ended_cancelled(finished));
      EXPECT_EQ(ends, round);
    }
  }());
}

/// The cancel comes during the task's last step, which no suspension follows.
RULE(TSK_16, during_the_last_step) {
  std::atomic<unsigned> ends{0};
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    for (unsigned round = 1; round <= 50; ++round) {
      AutoResetEvent gate;
      std::optional<JoinHandle<Witness>> join;
      const auto body = [&]() -> Task<Witness> {
        co_await gate.wait();
        if (round % 2 == 0) {
          join->cancel();
        } else {
          on_another_thread([&] { join->cancel(); });
        }
        co_return Witness{ends};
      };
      join.emplace(rt.spawn(body()));
      gate.set();
      while (!join->done()) co_await yield();
      EXPECT_EQ(ends, round - 1);
      EXPECT_FALSE(co_await ended_cancelled(*join)) << "it has returned a value";
      EXPECT_EQ(ends, round);
    }
  }());
}

/// A plain thread cancels while the task comes to its end.
RULE(TSK_16, in_a_race_with_the_end) {
  constexpr unsigned rounds = sanitized ? 500 : 5'000;
  std::atomic<unsigned> made{0}, ends{0};
  std::atomic<JoinHandle<Witness>*> target{nullptr};
  Count round_begun;
  AutoResetEvent asked;
  IRuntime& rt = runtime();
  std::thread plain{[&] {
    for (unsigned round = 1; round <= rounds; ++round) {
      round_begun.wait_for(round);
      target.load()->cancel();
      asked.set();
    }
  }};
  rt.block_on([&]() -> Task<> {
    for (unsigned round = 1; round <= rounds; ++round) {
      std::atomic<bool> finished{false};
      const auto body = [&]() -> Task<Witness> {
        for (unsigned i = 0; i < round % 8; ++i) co_await yield();
        finished = true;
        made.fetch_add(1);
        co_return Witness{ends};
      };
      auto task = rt.spawn(body());
      target = &task;
      round_begun.add();
      co_await asked.wait();  // the handle is ours again
      EXPECT_NE(co_await ended_cancelled(task), finished.load());
      EXPECT_EQ(made, ends) << "results, and how many were destroyed";
    }
  }());
  plain.join();
}

// --- TSK-17 ---------------------------------------------------------------------------------------------------------------------

RULE(TSK_17, everybody_is_asleep) {
  constexpr unsigned rounds = 100;
  Fates fates;
  std::optional<JoinHandle<void>> task;
  Count spawned;
  IRuntime& rt = runtime();
  std::thread plain{[&] {
    for (unsigned round = 1; round <= rounds; ++round) {
      spawned.wait_for(round);
      while (round % 2 == 0 && !all_others_sleep()) std::this_thread::yield();  // or on their way there
      task->cancel();
    }
  }};
  rt.block_on([&]() -> Task<> {
    for (unsigned round = 1; round <= rounds; ++round) {
      task.emplace(rt.spawn(waiting_for(rt, fates, [] { return Forever{}; })));
      spawned.add();
      EXPECT_TRUE(co_await ended_cancelled(*task));
    }
  }());
  plain.join();
  EXPECT_EQ(fates.ended, fates.started);
  EXPECT_EQ(fates.elsewhere, 0u) << "frames were destroyed on the thread that cancels";
  EXPECT_EQ(fates.went_on, 0u);
}

// --- TSK-19 ---------------------------------------------------------------------------------------------------------------------

namespace {

/// What destructors of a test's frames do.
struct Deeds {
  explicit Deeds(IRuntime& runtime) : rt{runtime} {}

  IRuntime& rt;
  std::mutex mutex;  ///< taken by all of them
  std::atomic<unsigned> ends{0}, spawned{0};
  AutoResetEvent changed;

  Task<> note() {
    spawned.fetch_add(1);
    changed.set();
    co_return;
  }
  /// From the thread that destroys the frame, and from one that it waits for.
  void spawn_everywhere() {
    rt.spawn(note()).detach();
    on_another_thread([this] { rt.spawn(note()).detach(); });
  }
};

}  // namespace

RULE(TSK_19, destructors_of_cancelled_frames) {
  constexpr unsigned tasks = 20;
  IRuntime& rt = runtime();
  Deeds deeds{rt};
  rt.block_on([&]() -> Task<> {
    std::vector<AutoResetEvent> events(tasks);
    std::vector<JoinHandle<void>> woken, victims, cancelled;
    const auto waits_for = [](AutoResetEvent& event) -> Task<> { co_await event.wait(); };
    const auto body = [&](unsigned i) -> Task<> {
      const AtEnd local{[&, i] {
        const std::lock_guard lock{deeds.mutex};
        deeds.ends.fetch_add(1);
        events[i].set();
        victims[i].cancel();
        deeds.spawn_everywhere();
      }};
      auto handle = AsyncFd::own(rt, event_fd().release());
      (void)co_await handle.readable();
    };
    for (unsigned i = 0; i < tasks; ++i) {
      woken.push_back(rt.spawn(waits_for(events[i])));
      victims.push_back(rt.spawn(never()));
    }
    for (unsigned i = 0; i < tasks; ++i) cancelled.push_back(rt.spawn(body(i)));
    co_await waiters_are(rt, tasks);
    for (auto& task : cancelled) task.cancel();
    for (auto& task : cancelled) EXPECT_TRUE(co_await ended_cancelled(task));
    EXPECT_EQ(deeds.ends, tasks);
    for (auto& task : victims) EXPECT_TRUE(co_await ended_cancelled(task));
    for (auto& task : woken) EXPECT_FALSE(co_await ended_cancelled(task));
    while (deeds.spawned != 2 * tasks) co_await deeds.changed.wait();
    EXPECT_EQ(rt.stats().registrations, 0u);
  }());
  end_runtime();
}

/// As above; what is spawned then is destroyed unrun, or when it has run.
RULE(TSK_19, destructors_of_frames_that_a_shutdown_destroys) {
  constexpr unsigned tasks = 200;
  IRuntime& rt = runtime();
  std::atomic<unsigned> ends{0}, unrun{0};
  std::mutex mutex;
  const auto nothing = [](Witness) -> Task<> { co_return; };
  const auto body = [&]() -> Task<> {
    const AtEnd local{[&] {
      const std::lock_guard lock{mutex};
      ends.fetch_add(1);
      rt.spawn(nothing(Witness{unrun})).detach();
    }};
    auto handle = AsyncFd::own(rt, event_fd().release());
    (void)co_await timeout(rt, 24h, handle.readable());
  };
  for (unsigned i = 0; i < tasks; ++i) rt.spawn(body()).detach();
  rt.block_on([&]() -> Task<> {
    co_await waiters_are(rt, tasks);
    co_await timers_are(rt, tasks);
  }());
  rt.shutdown(Duration::zero());
  EXPECT_EQ(ends, tasks);
  EXPECT_EQ(unrun, tasks);
  const RuntimeStats left = rt.stats();
  EXPECT_EQ(left.registrations + left.waiters + left.pending_timers + left.live_tasks, 0u);
  end_runtime();
}

}  // namespace reactorlab::conformance
