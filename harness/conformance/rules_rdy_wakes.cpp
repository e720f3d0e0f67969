// RDY-08: what a task may do because of an event, and what is held meanwhile.

#include <thread>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

namespace {

/// Tasks that a batch of events wakes, each with a descriptor of its own and one that it takes away from somebody.
template <class Rt>
struct Crowd {
  using Handle = BasicAsyncFd<Rt>;
  static constexpr unsigned size = 16;

  explicit Crowd(Rt& runtime) : rt{runtime} {
    for (unsigned i = 0; i < size; ++i) {
      own_pairs.push_back(socket_pair());
      victim_pairs.push_back(socket_pair());
      own.emplace_back(Handle::borrow(rt, own_pairs[i].ours.get()));
      victims.emplace_back(Handle::borrow(rt, victim_pairs[i].ours.get()));
    }
  }

  /// Registers, removes its own and another's registration, arms a timer, spawns, and destroys what woke it.
  Task<> act(unsigned i) {
    EXPECT_EQ(co_await next_edge<Direction::read>(*own[i]), IoResult{0});
    auto fresh = Handle::own(rt, ::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
    victims[i].reset();
    own[i].reset();
    auto child = rt.spawn(count());
    EXPECT_EQ(co_await sleep(rt, 1ms), IoResult{0});
    EXPECT_EQ(co_await next_edge<Direction::read>(fresh), IoResult{0});
    co_await child;
  }
  /// Waits on what another takes away: its event is in the same batch.
  Task<> lose(unsigned i) {
    const IoResult result = co_await next_edge<Direction::read>(*victims[i]);
    EXPECT_TRUE(result == IoResult{0} || result == IoResult{-EBADF}) << result.value();
  }
  Task<> count() {
    ++children;
    co_return;
  }

  Rt& rt;
  std::vector<Pair> own_pairs, victim_pairs;
  std::vector<std::optional<Handle>> own, victims;
  std::atomic<unsigned> children{0};
};

/// `wake(crowd)` makes everything ready at once.
template <class Rt, class Wake>
Task<> run_crowd(Rt& rt, SyncPoints& points, bool with_losers, Wake wake) {
  Crowd<Rt> crowd{rt};
  std::vector<JoinHandle<void>> tasks;
  for (unsigned i = 0; i < crowd.size; ++i) {
    tasks.push_back(co_await spawn_parked(rt, points, crowd.act(i)));
    if (with_losers) tasks.push_back(co_await spawn_parked(rt, points, crowd.lose(i)));
  }
  wake(crowd);
  for (auto& task : tasks) co_await task;
  EXPECT_EQ(crowd.children.load(), crowd.size);
  EXPECT_EQ(rt.stats().registrations, 0u);
}

}  // namespace

// With two workers a handle mustn't be destroyed while another thread polls an operation on it, so nobody waits there.

BOTH_FORMS_RULE(RDY_08, tasks_may_do_anything) {
  use_virtual_time(VirtualClock::Mode::automatic);
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  rt.block_on(run_crowd(rt, points, workers() < 2, [](auto& crowd) {
    for (unsigned i = 0; i < crowd.size; ++i) {
      put(crowd.own_pairs[i].peer.get(), "x");
      put(crowd.victim_pairs[i].peer.get(), "x");
    }
  }));
}

BOTH_FORMS_RULE(RDY_08, tasks_may_do_anything_scripted) {
  use_virtual_time(VirtualClock::Mode::automatic);
  Script script;
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  rt.block_on(run_crowd(rt, points, workers() < 2, [&](auto& crowd) {
    std::vector<Event> events;
    for (unsigned i = 0; i < crowd.size; ++i) {
      events.push_back({EPOLLIN, script.token_of(crowd.own_pairs[i].ours.get())});
      events.push_back({EPOLLIN, script.token_of(crowd.victim_pairs[i].ours.get())});
    }
    script.inject(script.epoll_of(crowd.own_pairs[0].ours.get()), events);
  }));
}

// The driver wakes a task of another runtime and is held after it has handed it over. A confined home has no lock, and nobody else
// may register there.
BOTH_FORMS_RULE(RDY_08, no_lock_while_waking) {
  NEEDS(foreign_registration);
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
  std::thread stranger{[&] {
    make_runtime("thread_local")->block_on([&]() -> Task<> {
      EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
    }());
  }};
  points.wait_for_arrivals(SyncPoint::io_parked, 1);
  points.hold(SyncPoint::wake_before_signal);
  put(pair.peer.get(), "x");
  points.wait_until_reached(SyncPoint::wake_before_signal);
  BasicAsyncFd<Rt>::own(rt, ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)).close();
  points.release(SyncPoint::wake_before_signal);
  stranger.join();
}

}  // namespace reactorlab::conformance
