// XTH: wakes outside a run, wakes among signals, and who is woken.

#include <pthread.h>

#include <barrier>
#include <csignal>
#include <mutex>
#include <thread>
#include <vector>

#include "harness/conformance/foreign.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/probe_task.hpp"

namespace reactorlab::conformance {
namespace {

Task<int> answer() { co_return 42; }

}  // namespace

// --- XTH-08 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(XTH_08, before_the_first_run) {
  Rt& rt = runtime<Rt>();
  std::optional<ProbeTask> foreign;
  ProbeTask local{rt, [](ProbeTask::Poll& poll) { poll.finish(); }};
  on_another_thread([&] {
    Waker{*local.join().header()}.wake();
    foreign.emplace(rt, [](ProbeTask::Poll& poll) { poll.finish(); });
    Waker{*foreign->join().header()}.wake();
  });
  rt.block_on([&]() -> Task<> {
    co_await local.join();
    co_await foreign->join();
  }());
}

BOTH_FORMS_RULE(XTH_08, between_two_runs) {
  constexpr unsigned rounds = 100;
  Rt& rt = runtime<Rt>();
  AutoResetEvent started, polled;
  std::atomic<bool> ending{false};
  ProbeTask probe{rt, [&](auto&) { started.set(); },
                  [&](ProbeTask::Poll& poll) {
                    if (ending) return poll.finish();
                    polled.set();
                  }};
  rt.block_on([&]() -> Task<> { co_await started.wait(); }());
  for (unsigned round = 0; round < rounds; ++round) {
    if (round % 2 == 0) {
      on_another_thread([&] { probe.waker().wake(); });
    } else {
      probe.waker().wake();
    }
    rt.block_on([&]() -> Task<> { co_await polled.wait(); }());
  }
  EXPECT_EQ(probe.polls(), rounds);
  ending = true;
  probe.waker().wake();
  rt.block_on([&]() -> Task<> { co_await probe.join(); }());
}

BOTH_FORMS_RULE(XTH_08, after_the_last_run) {
  auto rt = make();
  ProbeTask unfinished{*rt, {}};
  ProbeTask finished{*rt, [](ProbeTask::Poll& poll) { poll.finish(); }};
  rt->block_on([&]() -> Task<> {
    while (!unfinished.started() || !finished.join().done()) co_await yield();
  }());
  const Waker wakers[] = {unfinished.waker(), finished.waker()};
  const auto wake_all = [&] {
    for (const Waker waker : wakers) waker.wake();
    on_another_thread([&] {
      for (const Waker waker : wakers) waker.wake();
    });
  };
  rt->shutdown(Duration::zero());
  const std::uint64_t polls = rt->stats().polls;
  wake_all();
  EXPECT_EQ(rt->stats().polls, polls);
  rt.reset();
  wake_all();
  EXPECT_EQ(unfinished.polls(), 0u);
  EXPECT_TRUE(unfinished.join().done());
  rt = make();
  wake_all();
  EXPECT_EQ(rt->block_on(answer()), 42);
}

// --- XTH-09 -------------------------------------------------------------------------------------------------------------------

/// A signal ends a wait; the wake comes during the wait that follows, and is all that can end it.
BOTH_FORMS_RULE(XTH_09, interrupted_and_then_woken) {
  enum class Next { interrupt, wake, nothing };
  constexpr unsigned rounds = 100;
  std::atomic<Next> next{Next::nothing};
  std::atomic<std::uint64_t> woken{0};
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call& call) -> std::optional<long> {
    if (call.extra == 0 || !script.all_taken()) return std::nullopt;
    Next now = Next::interrupt;
    if (next.compare_exchange_strong(now, Next::wake)) return -EINTR;
    now = Next::wake;
    if (next.compare_exchange_strong(now, Next::nothing)) {
      on_another_thread([&] { Waker::from_bits(woken).wake(); });
    }
    return std::nullopt;
  });
  Rt& rt = runtime<Rt>();
  AutoResetEvent polled;
  std::atomic<bool> ending{false};
  rt.block_on([&]() -> Task<> {
    auto registered = BasicAsyncFd<Rt>::own(rt, event_fd().release());
    const int epoll = script.epoll_of(registered.fd());
    ProbeTask probe{rt, {}, [&](ProbeTask::Poll& poll) { ending ? poll.finish() : polled.set(); }};
    while (!probe.started()) co_await yield();
    woken = probe.waker().bits();
    for (unsigned round = 0; round < rounds; ++round) {
      next = Next::interrupt;
      script.inject(epoll, {}, false);  // a wait may be under way: it ends, and the next one is interrupted
      co_await polled.wait();
    }
    EXPECT_EQ(probe.polls(), rounds);
    ending = true;
    probe.waker().wake();
    co_await probe.join();
  }());
}

namespace {

/// Threads that were about to sleep when first seen. They live as long as the runtime.
class Sleepers {
 public:
  void add_this() {
    std::lock_guard lock{mutex_};
    threads_.push_back(::pthread_self());
  }
  void signal() const {
    std::lock_guard lock{mutex_};
    for (const pthread_t thread : threads_) ::pthread_kill(thread, SIGURG);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<pthread_t> threads_;  // guarded by mutex_
};

/// SIGURG is handled, and not restarted, until this is destroyed.
class Interrupting {
 public:
  Interrupting() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGURG, &action, &before_);
  }
  Interrupting(const Interrupting&) = delete;
  ~Interrupting() { ::sigaction(SIGURG, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

}  // namespace

BOTH_FORMS_RULE(XTH_09, storm_of_signals) {
  constexpr unsigned rounds = 1'000;
  const Interrupting handled;
  Sleepers sleepers;
  Count parked;
  SyncPoints points;
  points.at(SyncPoint::poll_before_block, [&] { sleepers.add_this(); });
  if (!confined()) points.at(SyncPoint::park_queue_empty, [&] { sleepers.add_this(); });
  Rt& rt = runtime<Rt>();
  ProbeTask probe{rt, [&](auto&) { parked.add(); },
                  [&](ProbeTask::Poll& poll) {
                    if (parked.value() == rounds) poll.finish();
                    parked.add();
                  }};
  std::thread foreign{[&] {
    for (unsigned n = 1; n <= rounds; ++n) {
      parked.wait_for(n);
      sleepers.signal();
      while (n % 10 == 0 && !all_others_sleep()) std::this_thread::yield();
      probe.waker().wake();
      sleepers.signal();
    }
  }};
  rt.block_on([&]() -> Task<> { co_await probe.join(); }());
  foreign.join();
  EXPECT_EQ(probe.polls(), rounds);
}

// --- XTH-10 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(XTH_10, one_task_wakes_one_worker) {
  NEEDS(migration);
  RuntimeOptions options = configuration().options;
  options.workers = 4;
  auto rt = make(options);
  Count done;
  const auto one_task = [&]() -> Task<> {
    done.add();
    co_return;
  };
  for (unsigned round = 1; round <= 100; ++round) {
    while (!all_others_sleep()) std::this_thread::yield();
    const RuntimeStats before = rt->stats();
    rt->spawn(one_task()).detach();  // to wait for its join would be a second one
    done.wait_for(round);
    while (!all_others_sleep()) std::this_thread::yield();
    const RuntimeStats after = rt->stats();
    EXPECT_LE(after.worker_parks - before.worker_parks + after.kicks - before.kicks, 1u);
  }
  const RuntimeStats all = rt->stats();
  if (all.worker_parks + all.kicks == 0) GTEST_SKIP() << "needs counts of parks and kicks in stats()";  // or it would prove nothing
}

/// Spawned in a row: the first worker that wakes finds several, and isn't the only one that is needed.
RULE(XTH_10, several_tasks_wake_as_many_workers) {
  NEEDS(migration);
  constexpr unsigned tasks = 4;
  RuntimeOptions options = configuration().options;
  options.workers = tasks;
  auto rt = make(options);
  std::barrier<> all_run{tasks};
  const auto meet = [&]() -> Task<> {
    all_run.arrive_and_wait();
    co_return;
  };
  for (int round = 0; round < 50; ++round) {
    while (!all_others_sleep()) std::this_thread::yield();
    std::vector<JoinHandle<void>> all;
    for (unsigned n = 0; n < tasks; ++n) all.push_back(rt->spawn(meet()));
    for (auto& task : all) task.wait();
  }
}

/// A task of one runtime is woken by a task of another, whose workers are idle too, and the other way round.
BOTH_FORMS_RULE(XTH_10, a_wake_reaches_the_right_runtime) {
  constexpr unsigned rounds = 100;
  Rt& rt = runtime<Rt>();
  Count started;
  AutoResetEvent polled;
  ProbeTask probe{rt, [&](auto&) { started.add(); },
                  [&](ProbeTask::Poll& poll) {
                    EXPECT_TRUE(rt.executor().on_own_thread());
                    if (started.value() > rounds) return poll.finish();
                    started.add();
                    polled.set();
                  }};
  std::thread foreign{[&] {
    started.wait_for(1);
    auto other = make();
    other->block_on([&]() -> Task<> {
      for (unsigned round = 0; round < rounds; ++round) {
        probe.waker().wake();
        co_await polled.wait();
        EXPECT_TRUE(other->executor().on_own_thread());
      }
      probe.waker().wake();
    }());
  }};
  rt.block_on([&]() -> Task<> { co_await probe.join(); }());
  foreign.join();
}

}  // namespace reactorlab::conformance
