// XTH: a wake from another thread against a thread that goes to sleep.

#include "harness/conformance/foreign.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/next_wait.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

/// A probe that answers each poll with an event.
class Answering {
 public:
  explicit Answering(IRuntime& rt) : task_{rt, {}, [this](ProbeTask::Poll& poll) { ending_ ? poll.finish() : answer_.set(); }} {}

  /// co_await: until it sits in its seat.
  Task<> started() {
    while (!task_.started()) co_await yield();
  }
  /// From a thread that belongs to no runtime; returns when that thread has gone. This may be destroyed before.
  void wake_from_elsewhere() {
    on_another_thread([waker = task_.waker()] { waker.wake(); });
  }
  auto answer() noexcept { return answer_.wait(); }
  Task<> end() {
    ending_ = true;
    task_.waker().wake();
    co_await task_.join();
  }

 private:
  std::atomic<bool> ending_{false};
  AutoResetEvent answer_;
  ProbeTask task_;
};

constexpr int rounds = 100;

/// Each round: the woken task is polled although its wake came when a thread that was about to wait stood at that point.
template <class Rt>
Task<> wake_before_waits(Rt& rt, Script& script, SyncPoints& points, SyncPoint point) {
  auto registered = BasicAsyncFd<Rt>::own(rt, event_fd().release());
  const int epoll = script.epoll_of(registered.fd());
  Answering probe{rt};
  co_await probe.started();
  for (int round = 0; round < rounds; ++round) {
    before_the_next_wait(script, points, epoll, point, [&] { probe.wake_from_elsewhere(); });
    co_await probe.answer();
  }
  co_await probe.end();
}

}  // namespace

// --- XTH-01 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(XTH_01, every_wait_ends) {
  std::atomic<unsigned> limited{0};
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call& call) -> std::optional<long> {
    if (call.extra > 0) ++limited;
    return std::nullopt;
  });
  Rt& rt = runtime<Rt>();
  constexpr unsigned wakes = 1'000;
  Count parked;
  ProbeTask probe{rt, [&](auto&) { parked.add(); },
                  [&](ProbeTask::Poll& poll) {
                    if (parked.value() == wakes) poll.finish();
                    parked.add();
                  }};
  std::thread foreign{[&] {
    for (unsigned n = 1; n <= wakes; ++n) {
      parked.wait_for(n);
      while (n % 10 == 0 && !all_others_sleep()) std::this_thread::yield();  // the others meet the runtime on its way there
      probe.waker().wake();
    }
  }};
  rt.block_on([&]() -> Task<> { co_await probe.join(); }());
  foreign.join();
  EXPECT_EQ(probe.polls(), wakes);
  EXPECT_EQ(limited, 0u) << "a wait had a limit: it might have ended without the wake";
}

// --- XTH-02 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(XTH_02, before_the_wait_is_announced) {
  Script script;
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  rt.block_on(wake_before_waits<Rt>(rt, script, points, SyncPoint::wait_unannounced));
}

BOTH_FORMS_RULE(XTH_02, after_the_wait_was_announced) {
  Script script;
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  rt.block_on(wake_before_waits<Rt>(rt, script, points, SyncPoint::poll_before_block));
}

/// One worker is busy and the other on its way to sleep, past its look at the queues.
BOTH_FORMS_RULE(XTH_02, before_a_worker_parks) {
  NEEDS(migration);
  if (workers() < 2) return;
  std::atomic<std::uint64_t> parks{~0ull};
  std::atomic<bool> served{false};
  Count busy;
  SyncPoints points;
  points.hold(SyncPoint::park_queue_empty);
  Rt& rt = runtime<Rt>();
  points.wait_until_reached(SyncPoint::park_queue_empty);
  const auto blocking = [&]() -> Task<> {
    busy.add();
    served.wait(false);
    co_return;
  };
  const auto serving = [&]() -> Task<> {
    parks = rt.stats().worker_parks;
    served = true;
    served.notify_all();
    co_return;
  };
  auto blocked = rt.spawn(blocking());
  busy.wait_for(1);
  const std::uint64_t parks_before = rt.stats().worker_parks;
  auto service = rt.spawn(serving());  // nobody sleeps, nobody waits: nobody is told
  points.release(SyncPoint::park_queue_empty);
  served.wait(false);  // not service.wait(), which spawns a task and tells somebody
  service.wait();
  blocked.wait();
  EXPECT_EQ(parks, parks_before) << "the worker slept on work that had been published";
}

/// Where a thread of its own drives, even a single worker parks.
BOTH_FORMS_RULE(XTH_02, before_the_only_worker_parks) {
  if (workers() != 1 || configuration().variant != "dedicated_thread") return;
  Count served;
  SyncPoints points;
  points.hold(SyncPoint::park_queue_empty);
  Rt& rt = runtime<Rt>();
  points.wait_until_reached(SyncPoint::park_queue_empty);
  auto task = rt.spawn([](Count& done) -> Task<> {
    done.add();
    co_return;
  }(served));
  points.release(SyncPoint::park_queue_empty);
  served.wait_for(1);  // before the join, which would wake the worker
  task.wait();
}

// --- XTH-03 -------------------------------------------------------------------------------------------------------------------

namespace {

/// Each round: an event ends the wait, and the wake comes when the driver stands at that point.
template <class Rt>
Task<> wake_after_waits(Rt& rt, SyncPoints& points, SyncPoint point) {
  Pair pair = socket_pair();
  auto noisy = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
  Answering probe{rt};
  co_await probe.started();
  for (int round = 0; round < rounds; ++round) {
    points.at(point, [&] { probe.wake_from_elsewhere(); });
    put(pair.peer.get(), "x");
    co_await probe.answer();
  }
  co_await probe.end();
}

}  // namespace

BOTH_FORMS_RULE(XTH_03, when_the_wait_has_ended) {
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  rt.block_on(wake_after_waits<Rt>(rt, points, SyncPoint::poll_returned));
}

BOTH_FORMS_RULE(XTH_03, during_dispatch) {
  NEEDS(migration);  // a confined home's dispatch polls: the next body
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  rt.block_on(wake_after_waits<Rt>(rt, points, SyncPoint::dispatch_collected));
}

BOTH_FORMS_RULE(XTH_03, by_a_task_of_the_same_batch) {
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    Pair pair = socket_pair();
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    Answering probe{rt};
    co_await probe.started();
    ParkedProbe<Direction::read, BasicAsyncFd<Rt>> handler{rt, handle, [&] {
                                                             probe.wake_from_elsewhere();
                                                             return true;
                                                           }};
    co_await handler.parked();
    for (int round = 0; round < rounds; ++round) {
      put(pair.peer.get(), "x");
      co_await probe.answer();
      co_await handler.polled();
    }
    co_await handler.end();
    co_await probe.end();
  }());
}

/// Its inbox, or the queue, was looked at before; the next thing that it does is to wait.
BOTH_FORMS_RULE(XTH_03, while_the_last_queued_task_runs) {
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    Answering probe{rt};
    co_await probe.started();
    std::atomic<bool> ending{false};
    ProbeTask last{rt, {}, [&](ProbeTask::Poll& poll) { ending ? poll.finish() : probe.wake_from_elsewhere(); }};
    while (!last.started()) co_await yield();
    for (int round = 0; round < rounds; ++round) {
      last.waker().wake();
      co_await probe.answer();
    }
    ending = true;
    last.waker().wake();
    co_await last.join();
    co_await probe.end();
  }());
}

}  // namespace reactorlab::conformance
