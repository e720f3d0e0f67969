// TSK: joining a task, or leaving it to itself.

#include <memory>
#include <thread>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/probe_task.hpp"
#include "harness/conformance/tasks.hpp"

namespace reactorlab::conformance {

// --- TSK-01 ---------------------------------------------------------------------------------------------------------------------

namespace {

struct Tally {
  std::atomic<unsigned> runs{0}, ends{0};
};

/// Its result can only be moved. Waits for the gate, if there is one.
Task<std::unique_ptr<unsigned>> numbered(Tally& tally, unsigned number, AutoResetEvent* gate = nullptr) {
  const Witness local{tally.ends};
  tally.runs.fetch_add(1);
  if (gate) co_await gate->wait();
  co_return std::make_unique<unsigned>(number);
}

Task<> open(AutoResetEvent& gate) {
  gate.set();
  co_return;
}

}  // namespace

RULE(TSK_01, joined_by_a_task) {
  constexpr unsigned rounds = 200;
  Tally tally;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    for (unsigned round = 0; round < rounds; ++round) {
      AutoResetEvent gate;
      auto late = rt.spawn(numbered(tally, round));
      auto early = rt.spawn(numbered(tally, round + 1, &gate));
      while (!late.done()) co_await yield();
      auto opening = rt.spawn(open(gate));  // with one worker: when we are parked
      const auto second = co_await early;
      const auto first = co_await late;
      co_await opening;
      EXPECT_EQ(*first, round);
      EXPECT_EQ(*second, round + 1);
    }
  }());
  EXPECT_EQ(tally.runs, 2 * rounds);
  EXPECT_EQ(tally.ends, 2 * rounds);
}

RULE(TSK_01, joined_by_a_plain_thread) {
  constexpr unsigned rounds = 100;
  Tally tally;
  AutoResetEvent over;
  IRuntime& rt = runtime();
  std::thread plain{[&] {
    for (unsigned round = 0; round < rounds; ++round) {
      AutoResetEvent gate;
      auto late = rt.spawn(numbered(tally, round));
      auto early = rt.spawn(numbered(tally, round + 1, &gate));
      while (!late.done()) std::this_thread::yield();
      EXPECT_EQ(*late.wait(), round);
      auto opening = rt.spawn(open(gate));
      EXPECT_EQ(*early.wait(), round + 1);
      opening.wait();
    }
    over.set();
  }};
  rt.block_on([&]() -> Task<> { co_await over.wait(); }());
  plain.join();
  EXPECT_EQ(tally.runs, 2 * rounds);
  EXPECT_EQ(tally.ends, 2 * rounds);
}

RULE(TSK_01, a_thousand_at_once) {
  constexpr unsigned tasks = 1'000;
  Tally tally;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    std::vector<JoinHandle<std::unique_ptr<unsigned>>> joins;
    for (unsigned i = 0; i < tasks; ++i) joins.push_back(rt.spawn(numbered(tally, i)));
    unsigned wrong = 0;
    for (unsigned i = 0; i < tasks; ++i) {
      const auto number = co_await joins[i];
      if (*number != i) ++wrong;
    }
    EXPECT_EQ(wrong, 0u);
  }());
  EXPECT_EQ(tally.runs, tasks);
  EXPECT_EQ(tally.ends, tasks);
}

// --- TSK-09 ---------------------------------------------------------------------------------------------------------------------

namespace {

Task<Witness> result_after(AutoResetEvent& gate, Witness result) {
  co_await gate.wait();
  co_return std::move(result);
}

}  // namespace

RULE(TSK_09, dropped_before_its_start) {
  std::atomic<unsigned> ends{0};
  AutoResetEvent gate, ended;
  IRuntime& rt = runtime();
  {
    const Occupied nobody_polls{rt, confined() ? 0 : workers()};
    rt.spawn(result_after(gate, Witness{ends, &ended})).detach();
  }
  gate.set();
  rt.block_on([&]() -> Task<> { co_await ended.wait(); }());
  end_runtime();
  EXPECT_EQ(ends, 1u);
}

RULE(TSK_09, dropped_while_it_waits) {
  std::atomic<unsigned> ends{0};
  AutoResetEvent ended;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    for (unsigned round = 0; round < 100; ++round) {
      AutoResetEvent gate;
      auto task = rt.spawn(result_after(gate, Witness{ends, &ended}));
      co_await others_polled();
      if (round % 2 == 0) {
        task.detach();
      } else {
        on_another_thread([&] { task.detach(); });
      }
      co_await others_polled();
      EXPECT_EQ(ends, round);
      gate.set();
      co_await ended.wait();
    }
  }());
  end_runtime();
  EXPECT_EQ(ends, 100u);
}

RULE(TSK_09, dropped_when_it_is_done) {
  std::atomic<unsigned> ends{0};
  AutoResetEvent ended;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    for (unsigned round = 0; round < 100; ++round) {
      AutoResetEvent gate;
      gate.set();
      auto task = rt.spawn(result_after(gate, Witness{ends, &ended}));
      while (!task.done()) co_await yield();
      EXPECT_EQ(ends, round);
      if (round % 2 == 0) {
        task.detach();
        EXPECT_EQ(ends, round + 1);
      } else {
        on_another_thread([&] { task.detach(); });
      }
      co_await ended.wait();
    }
  }());
  end_runtime();
  EXPECT_EQ(ends, 100u);
}

RULE(TSK_09, a_result_that_spawns) {
  struct Spawning {
    explicit Spawning(IRuntime& runtime, AutoResetEvent& e) noexcept : rt{&runtime}, event{&e} {}
    Spawning(Spawning&& other) noexcept : rt{std::exchange(other.rt, nullptr)}, event{other.event} {}
    ~Spawning() {
      if (rt) rt->spawn(open(*event)).detach();
    }
    IRuntime* rt;
    AutoResetEvent* event;
  };
  IRuntime& rt = runtime();
  AutoResetEvent spawned;
  const auto spawning = [&]() -> Task<Spawning> { co_return Spawning{rt, spawned}; };
  rt.block_on([&]() -> Task<> {
    for (unsigned round = 0; round < 10; ++round) {
      rt.spawn(spawning()).detach();
      co_await spawned.wait();
    }
  }());
  end_runtime();
}

// --- TSK-10 ---------------------------------------------------------------------------------------------------------------------

RULE(TSK_10, an_abandoned_join_wakes_nobody) {
  IRuntime& rt = runtime();
  const auto waiting = [](AutoResetEvent& gate) -> Task<> { co_await gate.wait(); };
  rt.block_on([&]() -> Task<> {
    std::atomic<bool> ending{false};
    ProbeTask joiner{rt, {}, [&](ProbeTask::Poll& poll) {
                       if (ending) poll.finish();
                     }};
    while (!joiner.started()) co_await yield();
    for (unsigned round = 0; round < 50; ++round) {
      AutoResetEvent gate;
      auto task = rt.spawn(waiting(gate));
      EXPECT_TRUE(join::subscribe(*task.header(), joiner.waker()));
      join::unsubscribe(*task.header());
      gate.set();
      while (!task.done()) co_await yield();
      co_await task;
      co_await others_polled();
    }
    EXPECT_EQ(joiner.polls(), 0u);
    ending = true;
    joiner.waker().wake();
    co_await joiner.join();
  }());
}

RULE(TSK_10, an_abandoned_join_leaves_nothing_behind) {
  std::atomic<unsigned> ends{0};
  IRuntime& rt = runtime();
  const auto joining = [](JoinHandle<int>& task, Witness) -> Task<int> { co_return co_await task; };
  const auto number = [](AutoResetEvent& gate) -> Task<int> {
    co_await gate.wait();
    co_return 42;
  };
  rt.block_on([&]() -> Task<> {
    for (unsigned round = 0; round < 50; ++round) {
      AutoResetEvent gate;
      auto task = rt.spawn(number(gate));
      auto first = rt.spawn(joining(task, Witness{ends}));
      co_await others_polled();
      first.cancel();
      EXPECT_TRUE(co_await ended_cancelled(first));
      EXPECT_EQ(ends, round + 1) << "the joiner lives on although the task that it waited for isn't done";
      EXPECT_FALSE(task.done());
      auto opening = rt.spawn(open(gate));
      const int answer = co_await task;  // there is room for a joiner again
      EXPECT_EQ(answer, 42);
      co_await opening;
    }
  }());
}

// --- TSK-11 ---------------------------------------------------------------------------------------------------------------------

RULE(TSK_11, locals_end_before_the_join) {
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    for (unsigned round = 0; round < 100; ++round) {
      AutoResetEvent gate;
      std::atomic<unsigned> ends{0}, too_late{0};
      std::optional<JoinHandle<int>> join;
      const auto look = [&] {
        ends.fetch_add(1);
        if (join->done()) too_late.fetch_add(1);
      };
      const auto child = [&](Witness) -> Task<int> {
        const AtEnd local{look};
        co_await gate.wait();
        const AtEnd another{look};
        co_return 1;
      };
      join.emplace(rt.spawn(child(Witness{ends})));
      gate.set();
      const int one = co_await *join;
      EXPECT_EQ(one, 1);
      EXPECT_EQ(ends, 3u) << "the joiner goes on, and the task's frame is still there";
      EXPECT_EQ(too_late, 0u) << "the task said that it was done when it wasn't gone";
    }
  }());
}

RULE(TSK_11, arguments_end_before_the_join) {
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    for (unsigned round = 0; round < 100; ++round) {
      AutoResetEvent gate;
      std::atomic<bool> gone{false}, too_late{false};
      std::optional<JoinHandle<void>> join;
      const auto look = [&] {
        too_late = join->done();
        gone = true;
      };
      const auto child = [&](std::unique_ptr<AtEnd<decltype(look)>>) -> Task<> { co_await gate.wait(); };
      join.emplace(rt.spawn(child(std::make_unique<AtEnd<decltype(look)>>(look))));
      gate.set();
      co_await *join;
      EXPECT_TRUE(gone);
      EXPECT_FALSE(too_late) << "the task said that it was done when its arguments were still there";
    }
  }());
}

}  // namespace reactorlab::conformance
