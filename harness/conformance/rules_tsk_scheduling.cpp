// TSK: spawning from anywhere, yielding, and moving from worker to worker.

#include <string>
#include <thread>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/probe_task.hpp"
#include "harness/conformance/tasks.hpp"
#include "harness/conformance/timers.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

// --- TSK-23 ---------------------------------------------------------------------------------------------------------------------

namespace {

Task<> count(Count& ran) {
  ran.add();
  co_return;
}

Task<> set(AutoResetEvent& event) {
  event.set();
  co_return;
}

}  // namespace

RULE(TSK_23, by_a_plain_thread_when_all_sleep) {
  constexpr unsigned rounds = 100;
  AutoResetEvent over;
  Count ran;
  IRuntime& rt = runtime();
  std::thread plain{[&] {
    for (unsigned round = 1; round <= rounds; ++round) {
      while (round % 2 == 0 && !all_others_sleep()) std::this_thread::yield();  // or on their way there
      rt.spawn(count(ran)).detach();
      ran.wait_for(round);
    }
    rt.spawn(set(over)).detach();
  }};
  rt.block_on([&]() -> Task<> { co_await over.wait(); }());
  plain.join();
  end_runtime();
  EXPECT_EQ(ran.value(), rounds);
}

RULE(TSK_23, by_a_plain_thread_under_load) {
  constexpr unsigned rounds = 10;  // each waits until busy workers leave this thread a CPU
  std::atomic<bool> over{false};
  Count ran;
  IRuntime& rt = runtime();
  const auto spinning = [&]() -> Task<> {
    while (!over) co_await yield();
  };
  std::thread plain{[&] {
    for (unsigned round = 1; round <= rounds; ++round) {
      rt.spawn(count(ran)).detach();
      ran.wait_for(round);
    }
    over = true;
  }};
  rt.block_on([&]() -> Task<> {
    std::vector<JoinHandle<void>> load;
    for (int i = 0; i < 16; ++i) load.push_back(rt.spawn(spinning()));
    for (auto& task : load) co_await task;
  }());
  plain.join();
  end_runtime();
  EXPECT_EQ(ran.value(), rounds);
}

RULE(TSK_23, by_tasks_polls_and_destructors) {
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    for (int round = 0; round < 50; ++round) {
      AutoResetEvent by_root, by_task, by_poll, by_destructor, by_cancelled;
      std::atomic<unsigned> begun{0};
      const auto child = [&]() -> Task<> {
        rt.spawn(set(by_task)).detach();
        co_return;
      };
      const auto with_local = [&](AutoResetEvent& event, bool ends) -> Task<> {
        const AtEnd local{[&] { rt.spawn(set(event)).detach(); }};
        begun.fetch_add(1);
        if (!ends) co_await Forever{};
      };
      rt.spawn(set(by_root)).detach();
      auto spawning = rt.spawn(child());
      ProbeTask probe{rt, {}, [&](ProbeTask::Poll& poll) {
                        rt.spawn(set(by_poll)).detach();
                        poll.finish();
                      }};
      while (!probe.started()) co_await yield();
      probe.waker().wake();
      auto returning = rt.spawn(with_local(by_destructor, true));
      auto cancelled = rt.spawn(with_local(by_cancelled, false));
      co_await by_root.wait();
      co_await spawning;
      co_await by_task.wait();
      co_await probe.join();
      co_await by_poll.wait();
      co_await returning;
      co_await by_destructor.wait();
      while (begun != 2) co_await yield();
      cancelled.cancel();
      EXPECT_TRUE(co_await ended_cancelled(cancelled));
      co_await by_cancelled.wait();
    }
  }());
}

// --- TSK-24 ---------------------------------------------------------------------------------------------------------------------

RULE(TSK_24, behind_the_other_ready_tasks) {
  if (workers() != 1) return;  // an order exists on one thread only
  std::string order;
  IRuntime& rt = runtime();
  const auto writing = [&](char name) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      order += name;
      co_await yield();
    }
  };
  rt.block_on([&]() -> Task<> {
    std::vector<JoinHandle<void>> writers;
    for (const char name : {'a', 'b', 'c'}) writers.push_back(rt.spawn(writing(name)));
    for (auto& writer : writers) co_await writer;
  }());
  EXPECT_EQ(order, "abcabcabc");
}

RULE(TSK_24, the_reactor_is_polled_meanwhile) {
  constexpr unsigned limit = polls_per_turn + polls_per_look;
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  std::atomic<unsigned> served{0};
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    const auto serving = [&]() -> Task<> {
      (void)co_await next_edge<Direction::read>(handle);
      served.fetch_add(1);
    };
    for (unsigned round = 0; round < 20; ++round) {
      auto server = co_await spawn_parked(rt, points, serving());
      put(pair.peer.get(), "x");
      unsigned yields = 0;
      while (served == round && (yields <= limit || !one_thread_does_all())) {
        co_await yield();
        ++yields;
      }
      if (one_thread_does_all()) {
        EXPECT_LE(yields, limit);
      }
      co_await server;
    }
  }());
}

// --- TSK-25 ---------------------------------------------------------------------------------------------------------------------

namespace {

/// A probe that has I/O, a timer and a join pending, all of them begun on one worker.
class Wanderer {
 public:
  Wanderer(IRuntime& rt, AsyncFd& handle)
      : ref_{rt.ref()}, handle_{handle}, task_{rt, {}, [this](ProbeTask::Poll& poll) {
                                                 if (ending_) return poll.finish();
                                                 polled_by_ = std::this_thread::get_id();
                                                 polls_.add();
                                                 polled_.set();
                                               }} {}

  Task<> started() {
    while (!task_.started()) co_await yield();
  }
  void begin(TimePoint deadline, JoinHandle<void>& other) {
    timer_.emplace();
    timer_->task = &task_.waker().header();
    EXPECT_EQ(task_.arm<Direction::read>(handle_), Armed::parked);
    EXPECT_EQ(ref_.start_timer(*timer_, deadline), IoResult{0});
    EXPECT_TRUE(join::subscribe(*other.header(), task_.waker()));
  }
  void wake() const noexcept { task_.waker().wake(); }
  auto polled() noexcept { return polled_.wait(); }
  const Count& polls() const noexcept { return polls_; }
  std::thread::id polled_by() const noexcept { return polled_by_; }
  Task<> end() {
    ending_ = true;
    wake();
    co_await task_.join();
  }

 private:
  VirtualRef ref_;
  AsyncFd& handle_;
  std::optional<Timer> timer_;
  std::atomic<bool> ending_{false};
  std::atomic<std::thread::id> polled_by_{};
  Count polls_;
  AutoResetEvent polled_;
  ProbeTask task_;
};

}  // namespace

RULE(TSK_25, io_timers_and_joins_find_it) {
  NEEDS(migration);
  if (workers() < 2) return;
  constexpr unsigned rounds = 100;
  VirtualClock& time = use_virtual_time();
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    Wanderer wanderer{rt, handle};
    AutoResetEvent companion_polled;
    std::atomic<bool> ending{false};
    ProbeTask companion{rt, {}, [&](ProbeTask::Poll& poll) { ending ? poll.finish() : companion_polled.set(); }};
    co_await wanderer.started();
    while (!companion.started()) co_await yield();
    const auto waits_for = [](AutoResetEvent& event) -> Task<> { co_await event.wait(); };
    for (unsigned round = 0; round < rounds; ++round) {
      AutoResetEvent gate;
      auto other = rt.spawn(waits_for(gate));
      // One worker takes the two into its queue and then polls nothing until another one has stolen the first of them.
      const auto pushing_out = [&]() -> Task<std::thread::id> {
        wanderer.begin(time.now() + 10ms, other);
        wanderer.wake();
        companion.waker().wake();
        wanderer.polls().wait_for(4 * round + 1);
        co_return std::this_thread::get_id();
      };
      auto pushing = rt.spawn(pushing_out());
      const std::thread::id pushed_by = co_await pushing;
      co_await wanderer.polled();
      EXPECT_NE(wanderer.polled_by(), pushed_by);
      co_await companion_polled.wait();
      put(pair.peer.get(), "x");
      co_await wanderer.polled();
      time.advance(10ms + timer_tolerance);
      co_await wanderer.polled();
      gate.set();
      co_await wanderer.polled();
      co_await other;
      EXPECT_EQ(wanderer.polls().value(), 4 * (round + 1));
    }
    ending = true;
    companion.waker().wake();
    co_await companion.join();
    co_await wanderer.end();
  }());
}

}  // namespace reactorlab::conformance
