// SHD: what happens at the same moment as a shutdown.

#include <array>
#include <deque>
#include <thread>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/tasks.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

namespace {

Task<IoResult> read_a_byte(AsyncFd& handle) {
  std::byte byte;
  co_return co_await handle.read({&byte, 1});
}

/// A task of `other` reads from a handle of `rt`, which is shut down while the task is at that point.
void expect_told_at(SyncPoint point, IRuntime& other, IRuntime& rt) {
  Pair pair = socket_pair();
  auto handle = AsyncFd::borrow(rt, pair.ours.get());
  SyncPoints points;
  points.hold(point);
  auto reader = other.spawn(read_a_byte(handle));
  points.wait_until_reached(point);
  rt.shutdown(Duration::zero());
  points.release(point);
  EXPECT_EQ(reader.wait(), IoResult{-ESHUTDOWN});
}

}  // namespace

// --- SHD-04 -------------------------------------------------------------------------------------------------------------------

RULE(SHD_04, between_would_block_and_parking) {
  NEEDS(foreign_registration);
  auto other = make();
  expect_told_at(SyncPoint::io_after_would_block, *other, runtime());
}

RULE(SHD_04, parked_and_still_running) {
  NEEDS(foreign_registration);
  auto other = make();
  expect_told_at(SyncPoint::io_parked, *other, runtime());
}

RULE(SHD_04, own_task_about_to_park) {
  NEEDS(migration);
  std::atomic<unsigned> ends{0}, went_on{0};
  SyncPoints points;
  IRuntime& rt = runtime();
  const auto reading = [&](Witness) -> Task<> {
    auto handle = AsyncFd::own(rt, event_fd().release());
    (void)co_await handle.readable();
    went_on.fetch_add(1);
  };
  points.hold(SyncPoint::io_after_would_block);
  rt.spawn(reading(Witness{ends})).detach();
  points.wait_until_reached(SyncPoint::io_after_would_block);
  std::thread ending{[&] { rt.shutdown(Duration::zero()); }};
  points.wait_for_arrivals(SyncPoint::shutdown_marked, 1);
  points.release(SyncPoint::io_after_would_block);
  ending.join();
  EXPECT_EQ(ends, 1u);
  EXPECT_EQ(went_on, 0u);
}

/// A reader in a loop, events as many as come, and the end at any moment.
RULE(SHD_04, amid_events) {
  NEEDS(foreign_registration);
  constexpr unsigned rounds = 50;
  auto other = make();
  for (unsigned round = 0; round < rounds; ++round) {
    Pair pair = socket_pair();
    auto rt = make();
    auto handle = AsyncFd::borrow(*rt, pair.ours.get());
    const auto reading = [&]() -> Task<IoResult> {
      for (;;) {
        const IoResult edge = co_await next_edge<Direction::read>(handle);
        if (!edge) co_return edge;
      }
    };
    auto reader = other->spawn(reading());
    for (unsigned n = 0; n < round % 10; ++n) put(pair.peer.get(), "x");
    rt.reset();
    EXPECT_EQ(reader.wait(), IoResult{-ESHUTDOWN});
  }
}

/// Plain threads that wait for tasks: of tasks that return and of tasks that never would.
RULE(SHD_04, threads_that_wait) {
  constexpr unsigned rounds = 20, of_each_kind = 2;
  for (unsigned round = 0; round < rounds; ++round) {
    std::atomic<unsigned> ended{0};
    auto rt = make();
    const auto answer = []() -> Task<int> {
      co_await yield();
      co_return 42;
    };
    const auto never = []() -> Task<int> {
      co_await Forever{};
      co_return 0;
    };
    const auto wait_for = [&](JoinHandle<int> join) {
      try {
        EXPECT_EQ(join.wait(), 42);
      } catch (const TaskCancelled&) {
      }
      ended.fetch_add(1);
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < of_each_kind; ++i) {
      threads.emplace_back(wait_for, rt->spawn(answer()));
      threads.emplace_back(wait_for, rt->spawn(never()));
    }
    rt->block_on([&]() -> Task<> {
      for (unsigned n = 0; n < round % 5; ++n) co_await yield();
    }());
    rt->shutdown(Duration::zero());
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(ended, 2 * of_each_kind);
  }
}

/// The task has returned, and the thread that waits for it hasn't been told yet.
RULE(SHD_04, what_was_returned_isnt_lost) {
  if (workers() > 1) return;  // another worker could be about to end the task when the root goes on
  std::atomic<bool> returning{false};
  AutoResetEvent gate;
  IRuntime& rt = runtime();
  const auto task = [&]() -> Task<int> {
    co_await gate.wait();
    returning = true;
    co_return 42;
  };
  std::thread waiting{[&, join = rt.spawn(task())]() mutable { EXPECT_NO_THROW(EXPECT_EQ(join.wait(), 42)); }};
  rt.block_on([&]() -> Task<> {
    const unsigned all = confined() ? 3 : 4;  // the root, the task, and whoever is to tell the threads that wait for them
    while (rt.stats().live_tasks != all) co_await yield();
    for (int i = 0; i < 3; ++i) co_await yield();
    gate.set();
    while (!returning) co_await yield();
  }());
  rt.shutdown(Duration::zero());
  waiting.join();
}

// --- SHD-06 -------------------------------------------------------------------------------------------------------------------

static_assert(std::is_trivially_copyable_v<Waker> && std::is_trivially_destructible_v<Waker>,
              "it owns nothing, so it may be kept and dropped whenever");

namespace {

/// co_await: for ever. Knows by which waker that could be interrupted, and counts how often it was.
class Nap {
 public:
  bool await_ready() const noexcept { return false; }
  template <TaskPromise Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    TaskHeader& task = *frame.promise().task();
    task.frame = frame;
    task.operation = this;
    task.poll = [](TaskHeader& woken) noexcept { static_cast<Nap*>(woken.operation)->polls_.fetch_add(1); };
    waker_.store(Waker{task}.bits());
  }
  void await_resume() const noexcept {}

  bool begun() const noexcept { return waker_.load() != 0; }
  void wake() const noexcept { Waker::from_bits(waker_.load()).wake(); }
  unsigned polls() const noexcept { return polls_.load(); }

 private:
  std::atomic<std::uint64_t> waker_{0};
  std::atomic<unsigned> polls_{0};
};

/// Napping tasks whose wakers outlive them, and what they do at their end.
class Nappers {
 public:
  static constexpr unsigned count = 100;

  void wake_all() const noexcept {
    for (const Nap& nap : naps_) nap.wake();
  }

  /// All of them nap, and no worker is awake, when this returns. Every second one has a join handle, which keeps its header.
  void start(IRuntime& rt, std::function<void()> at_end) {
    at_end_ = std::move(at_end);
    for (unsigned i = 0; i < count; ++i) {
      auto join = rt.spawn(nap(i));
      if (i % 2 == 0) joins_.push_back(std::move(join));
    }
    rt.block_on([this]() -> Task<> {
      for (const Nap& nap : naps_) {
        while (!nap.begun()) co_await yield();
      }
    }());
    if (rt.info().capabilities.migration) {
      while (!all_others_sleep()) std::this_thread::yield();
    }
  }

  void expect_ended() {
    EXPECT_EQ(ends_, count);
    unsigned polls = 0;
    for (const Nap& nap : naps_) polls += nap.polls();
    EXPECT_EQ(polls, 0u) << "a task was polled though its runtime was ending";
    for (auto& join : joins_) {
      EXPECT_TRUE(join.done());
      EXPECT_THROW(join.wait(), TaskCancelled);
    }
    joins_.clear();
  }

 private:
  Task<> nap(unsigned i) {
    const AtEnd end{[this] {
      ends_.fetch_add(1);
      at_end_();
    }};
    Nap& mine = naps_[i];
    co_await mine;
  }

  std::array<Nap, count> naps_;
  std::function<void()> at_end_;
  std::atomic<unsigned> ends_{0};
  std::vector<JoinHandle<void>> joins_;
};

}  // namespace

/// Each wakes those that are gone already, itself, and those whose turn comes.
RULE(SHD_06, destructors_wake_everybody) {
  Nappers nappers;
  auto rt = make();
  nappers.start(*rt, [&] { nappers.wake_all(); });
  rt.reset();
  nappers.wake_all();
  nappers.expect_ended();
  rt = make();
  nappers.wake_all();
  EXPECT_EQ(rt->block_on([]() -> Task<int> { co_return 42; }()), 42);
}

RULE(SHD_06, foreign_threads_wake_meanwhile) {
  Nappers nappers;
  Count marked;
  std::atomic<bool> over{false};
  SyncPoints points;
  auto rt = make();
  nappers.start(*rt, [] {});
  points.at(SyncPoint::shutdown_marked, [&] { marked.add(); });
  std::vector<std::thread> foreign;
  for (int i = 0; i < 2; ++i) {
    foreign.emplace_back([&] {
      marked.wait_for(1);
      while (!over) nappers.wake_all();
    });
  }
  rt.reset();
  for (int n = 0; n < 3; ++n) make().reset();  // the headers' next lives
  over = true;
  for (auto& thread : foreign) thread.join();
  nappers.expect_ended();
}

// --- SHD-08 -------------------------------------------------------------------------------------------------------------------

/// Half of the handles belong to the tasks, the other half outlive them and the runtime.
RULE(SHD_08, a_flood) {
  constexpr unsigned rounds = 10, sockets = 100;
  for (unsigned round = 0; round < rounds; ++round) {
    std::atomic<unsigned> ends{0};
    std::atomic<bool> over{false};
    std::vector<Pair> pairs;
    for (unsigned i = 0; i < sockets; ++i) pairs.push_back(socket_pair());
    auto rt = make();
    std::deque<AsyncFd> outliving;
    const auto drain_for_ever = [](AsyncFd& handle) -> Task<> {
      std::array<std::byte, 64> bytes;
      while (co_await handle.read(bytes)) {
      }
    };
    const auto on_its_own = [&](int fd, Witness) -> Task<> {
      auto handle = AsyncFd::borrow(*rt, fd);
      co_await drain_for_ever(handle);
    };
    const auto on_anothers = [&](AsyncFd& handle, Witness) -> Task<> { co_await drain_for_ever(handle); };
    for (unsigned i = 0; i < sockets; i += 2) {
      rt->spawn(on_its_own(pairs[i].ours.get(), Witness{ends})).detach();
      outliving.push_back(AsyncFd::borrow(*rt, pairs[i + 1].ours.get()));
      rt->spawn(on_anothers(outliving.back(), Witness{ends})).detach();
    }
    rt->block_on(waiters_are(*rt, sockets));
    std::thread flooding{[&] {
      while (!over) {
        for (const Pair& pair : pairs) (void)::send(pair.peer.get(), "flood", 5, MSG_DONTWAIT | MSG_NOSIGNAL);
      }
    }};
    rt->block_on([]() -> Task<> {
      for (int n = 0; n < 20; ++n) co_await yield();
    }());
    rt.reset();
    over = true;
    flooding.join();
    EXPECT_EQ(ends, sockets);
  }
}

/// Listeners refuse as soon as the drain begins, who waits and who asks later, whatever comes meanwhile.
RULE(SHD_08, newcomers_during_the_drain) {
  std::atomic<unsigned> refusals{0};
  IRuntime& rt = runtime();
  std::optional<TcpListener> listener{TcpListener::bind(rt, SocketAddress::loopback(0))};
  Fd newcomer;
  const auto accepting = [&]() -> Task<> {
    for (int attempt = 0; attempt < 3; ++attempt) {
      const auto accepted = co_await listener->accept();
      EXPECT_EQ(accepted.error(), ESHUTDOWN);
      if (accepted) co_return;  // or the drain would last
      refusals.fetch_add(1);
      if (attempt > 0) continue;
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(listener->local_address().port());
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      newcomer = connect_to(address);
      co_await events_dispatched(rt);
      EXPECT_EQ(co_await next_edge<Direction::read>(*listener), IoResult{-ESHUTDOWN});
    }
  };
  auto acceptor = rt.spawn(accepting());
  rt.block_on(waiters_are(rt, 1));
  rt.shutdown(1h);
  EXPECT_NO_THROW(acceptor.wait());
  EXPECT_EQ(refusals, 3u);
  listener.reset();
}

/// Another runtime takes the turns, where it shares the reactor of the one that is gone.
RULE(SHD_08, events_of_a_runtime_that_is_gone) {
  NEEDS(foreign_registration);
  auto other = make();
  auto rt = make();
  Pair pair = socket_pair();
  auto handle = AsyncFd::borrow(*rt, pair.ours.get());
  rt.reset();
  for (int round = 0; round < 3; ++round) {
    put(pair.peer.get(), "x");
    other->block_on([&]() -> Task<> {
      co_await events_dispatched(*other);
      EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{-ESHUTDOWN});
    }());
  }
}

}  // namespace reactorlab::conformance
