// VAR-DT: what only dedicated_thread can get wrong.

#include <thread>

#include "harness/conformance/foreign.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

using namespace std::chrono_literals;

Task<IoResult> edge_of(AsyncFd& handle) { co_return co_await next_edge<Direction::read>(handle); }

/// A task with a timer of the test's own, which is started and stopped from outside.
class TimedProbe {
 public:
  explicit TimedProbe(IRuntime& rt)
      : probe_{rt,
               [this](ProbeTask::Poll& poll) {
                 timer_.task = &poll.task();
                 started_.add();
               },
               [this](ProbeTask::Poll& poll) {
                 if (timer_.fired.load()) poll.finish();
               }} {
    started_.wait_for(1);
  }
  Timer& timer() noexcept { return timer_; }
  bool fired() const noexcept { return timer_.fired.load(); }
  void wait() { probe_.join().wait(); }

 private:
  Timer timer_;
  Count started_;
  ProbeTask probe_;
};

}  // namespace

// --- VAR-DT-01 ----------------------------------------------------------------------------------------------------------------

/// The reactor thread has an event of a first registration in hand when the descriptor gets its second one.
RULE(VAR_DT_01, registered_removed_registered) {
  SyncPoints points;
  IRuntime& rt = runtime();
  for (int round = 0; round < 100; ++round) {
    Pair pair = socket_pair();
    auto first = AsyncFd::borrow(rt, pair.ours.get());
    auto parked = rt.spawn(edge_of(first));
    while (rt.stats().waiters != 1) std::this_thread::yield();
    points.hold(SyncPoint::poll_returned);
    put(pair.peer.get(), "x");
    points.wait_until_reached(SyncPoint::poll_returned);
    first.close();
    EXPECT_EQ(parked.wait(), IoResult{-EBADF});
    EXPECT_EQ(take(pair.ours.get(), 1), "x");
    auto second = AsyncFd::borrow(rt, pair.ours.get());
    auto waiting = rt.spawn(edge_of(second));
    while (rt.stats().waiters != 1) std::this_thread::yield();
    points.release(SyncPoint::poll_returned);
    rt.block_on(events_dispatched(rt));
    EXPECT_FALSE(waiting.done()) << "the first registration's event reached the second";
    put(pair.peer.get(), "y");
    EXPECT_EQ(waiting.wait(), IoResult{0});
  }
}

/// One timer is started, stopped and started again while the reactor thread stands still; two threads send commands of their own.
RULE(VAR_DT_01, started_stopped_started) {
  VirtualClock& time = use_virtual_time();
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  auto handle = AsyncFd::borrow(rt, pair.ours.get());
  TimedProbe probe{rt};
  auto ref = rt.ref();
  // Behind the event that brings it there, and before it would carry out a command.
  points.hold(SyncPoint::dispatch_collected);
  put(pair.peer.get(), "x");
  points.wait_until_reached(SyncPoint::dispatch_collected);
  {
    const auto traffic = [&] {
      Timer timer;
      timer.task = probe.timer().task;
      for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(ref.start_timer(timer, clock::now() + 1ms), IoResult{0});
        ref.stop_timer(timer);
      }
    };
    std::thread one{traffic}, two{traffic};
    EXPECT_EQ(ref.start_timer(probe.timer(), clock::now() + 1s), IoResult{0});
    ref.stop_timer(probe.timer());
    EXPECT_EQ(ref.start_timer(probe.timer(), clock::now() + 1h), IoResult{0});
    one.join();
    two.join();
  }
  EXPECT_EQ(rt.stats().pending_timers, 1u);
  points.release(SyncPoint::dispatch_collected);
  time.advance(2s);
  EXPECT_EQ(rt.block_on(edge_of(handle)), IoResult{0});
  put(pair.peer.get(), "y");
  EXPECT_EQ(rt.block_on(edge_of(handle)), IoResult{0});  // a turn that began after the two seconds
  rt.block_on(events_dispatched(rt));
  EXPECT_FALSE(probe.fired()) << "a stopped timer fired";
  EXPECT_EQ(rt.stats().pending_timers, 1u);
  time.advance(2h);
  probe.wait();
  EXPECT_EQ(rt.stats().pending_timers, 0u);
}

// --- VAR-DT-04 ----------------------------------------------------------------------------------------------------------------

RULE(VAR_DT_04, the_wait_fails) {
  constexpr std::size_t count = 20;
  std::atomic<bool> failing{false};
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call&) { return failing ? std::optional<long>{-EBADF} : std::nullopt; });
  IRuntime& rt = runtime();
  std::vector<Pair> pairs;
  std::vector<AsyncFd> handles;
  for (std::size_t i = 0; i < count; ++i) {
    pairs.push_back(socket_pair());
    handles.push_back(AsyncFd::borrow(rt, pairs.back().ours.get()));
  }
  const auto nap = [&]() -> Task<IoResult> { co_return co_await sleep(rt, 1h); };
  std::vector<JoinHandle<IoResult>> waiting;
  for (AsyncFd& handle : handles) {
    waiting.push_back(rt.spawn(edge_of(handle)));
    waiting.push_back(rt.spawn(nap()));
  }
  while (rt.stats().waiters != count || rt.stats().pending_timers != count) std::this_thread::yield();
  failing = true;
  script.end_wait(script.epoll_of(pairs[0].ours.get()));
  for (auto& join : waiting) EXPECT_EQ(join.wait(), IoResult{-ESHUTDOWN});
  // And nobody after them waits for a thread that is gone; the workers are still there.
  EXPECT_EQ(rt.block_on(edge_of(handles[0])), IoResult{-ESHUTDOWN});
  EXPECT_EQ(rt.block_on(nap()), IoResult{-ESHUTDOWN});
  Pair late = socket_pair();
  EXPECT_THROW((void)AsyncFd::borrow(rt, late.ours.get()), std::system_error);
  const RuntimeStats now = rt.stats();
  EXPECT_EQ(now.waiters, 0u);
  EXPECT_EQ(now.pending_timers, 0u);
}

// --- VAR-DT-05 ----------------------------------------------------------------------------------------------------------------

/// Tasks are cancelled, and with them their timers and their descriptors, while the reactor thread stands still.
RULE(VAR_DT_05, the_requester_is_gone) {
  constexpr std::size_t count = 100;
  std::atomic<long> limit{0};
  VirtualClock& time = use_virtual_time();
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call& call) -> std::optional<long> {
    limit = call.extra;
    return std::nullopt;
  });
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  auto handle = AsyncFd::borrow(rt, pair.ours.get());
  rt.block_on(events_dispatched(rt));
  const ProcessState before = ProcessState::now();
  const RuntimeStats baseline = rt.stats();
  std::vector<JoinHandle<void>> tasks;
  for (std::size_t i = 0; i < count; ++i) {
    tasks.push_back(rt.spawn([](IRuntime& r) -> Task<> {
      auto own = AsyncFd::own(r, event_fd().release());
      (void)co_await timeout(r, 1h, own.readable());
    }(rt)));
  }
  while (rt.stats().waiters != count || rt.stats().pending_timers != count) std::this_thread::yield();
  rt.block_on(events_dispatched(rt));
  rt.block_on(events_dispatched(rt));  // the timers are in the wheel: this turn began after they were asked for

  points.hold(SyncPoint::dispatch_collected);
  put(pair.peer.get(), "x");
  points.wait_until_reached(SyncPoint::dispatch_collected);
  for (auto& task : tasks) {
    task.cancel();
    EXPECT_THROW(task.wait(), TaskCancelled);
  }
  points.release(SyncPoint::dispatch_collected);
  rt.block_on(events_dispatched(rt));
  rt.block_on(events_dispatched(rt));
  const RuntimeStats now = rt.stats();
  EXPECT_EQ(now.registrations, baseline.registrations);
  EXPECT_EQ(now.waiters, 0u);
  EXPECT_EQ(now.pending_timers, 0u);
  EXPECT_EQ(ProcessState::now().descriptors, before.descriptors);
  script.wait_until_asleep();
  EXPECT_EQ(limit, -1) << "the reactor thread waits for a timer that nobody wants";
  time.advance(2h);
  rt.block_on(events_dispatched(rt));
  EXPECT_EQ(rt.stats().pending_timers, 0u);
}

}  // namespace reactorlab::conformance
