// STL: stale tokens and identity, where memory is used again.

#include <algorithm>
#include <set>
#include <thread>

#include "harness/conformance/ghost.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/passage.hpp"
#include "harness/conformance/probe_task.hpp"

namespace reactorlab::conformance {

static_assert(sizeof(Token) == 8, "a generation of 32 bits beside the slot's offset");
static_assert(std::is_trivially_copyable_v<Waker>, "a waker owns nothing");

namespace {

/// Parks on `handle` and finishes at its first poll.
template <class Handle>
ProbeTask reader_of(IRuntime& rt, Handle& handle) {
  return ProbeTask{rt, [&handle](ProbeTask::Poll& poll) { EXPECT_EQ(poll.arm<Direction::read>(handle), Armed::parked); },
                   [](ProbeTask::Poll& poll) { poll.finish(); }};
}

/// The slot of `former` lives again as a silent socket, whose reader is parked; `event_of_former_life` may not reach it.
template <class Rt, class LateEvent>
Task<> next_life_sleeps_on(Rt& rt, Script& script, Token former, LateEvent event_of_former_life) {
  Pair pair = socket_pair();
  auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
  const Token present = script.token_of(pair.ours.get());
  EXPECT_EQ(slot_of(present), slot_of(former)) << "the slot wasn't reused: nothing was tested";
  EXPECT_NE(present, former);
  ProbeTask reader = reader_of(rt, handle);
  while (!reader.started()) co_await yield();
  event_of_former_life();
  co_await events_dispatched(rt);
  EXPECT_EQ(rt.stats().waiters, 1u) << "the reader was taken out by an event of the slot's former life";
  EXPECT_EQ(reader.polls(), 0u);
  put(pair.peer.get(), "x");
  co_await reader.join();
  EXPECT_EQ(reader.polls(), 1u);
}

}  // namespace

// --- STL-04 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(STL_04, scripted) {
  Script script;
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    Pair pair = socket_pair();
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    const Token former = script.token_of(pair.ours.get());
    const int epoll = script.epoll_of(pair.ours.get());
    handle.close();
    co_await next_life_sleeps_on(rt, script, former, [&] { script.inject(epoll, {{EPOLLIN, former}}); });
    EXPECT_TRUE(script.all_taken());
  }());
}

BOTH_FORMS_RULE(STL_04, real) {
  Script script{sys::Op::epoll_wait};
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    Ghost<Rt> ghost{rt, script};
    co_await next_life_sleeps_on(rt, script, ghost.token(), [&] { ghost.speak(); });
    EXPECT_EQ(was_reported(script, ghost.token()), kernel_knows_descriptors());
  }());
}

BOTH_FORMS_RULE(STL_04, first_in_first_out) {
  Script script;
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    std::vector<Token> former;
    std::vector<Fd> fds;
    std::vector<BasicAsyncFd<Rt>> handles;
    for (int i = 0; i < 8; ++i) {
      fds.push_back(event_fd());
      handles.push_back(BasicAsyncFd<Rt>::borrow(rt, fds.back().get()));
      former.push_back(script.token_of(fds.back().get()));
    }
    const std::size_t order_of_removal[] = {3, 0, 7, 1, 6, 2, 5, 4};
    for (const std::size_t i : order_of_removal) handles[i].close();
    for (const std::size_t i : order_of_removal) {
      handles[i] = BasicAsyncFd<Rt>::borrow(rt, fds[i].get());
      const Token present = script.token_of(fds[i].get());
      EXPECT_EQ(slot_of(present), slot_of(former[i]));
      EXPECT_NE(present, former[i]);
    }
    co_return;
  }());
}

// --- STL-07 -------------------------------------------------------------------------------------------------------------------

namespace {

/// The driver has the event of a source in its hand while that source is removed, and its slot given away, on this thread.
/// REQUIRES the driver held before its wait, so that no registration kicks it.
template <class Rt, class MakeReady>
void remove_under_the_driver(Rt& rt, Script& script, SyncPoints& points, MakeReady make_ready) {
  Pair old = socket_pair(), fresh = socket_pair();
  std::optional<BasicAsyncFd<Rt>> former{BasicAsyncFd<Rt>::borrow(rt, old.ours.get())};
  const Token dead = script.token_of(old.ours.get());
  points.hold(SyncPoint::poll_returned);
  make_ready(old);
  points.release(SyncPoint::poll_before_block);
  points.wait_until_reached(SyncPoint::poll_returned);
  EXPECT_TRUE(was_reported(script, dead));
  former.reset();
  auto handle = BasicAsyncFd<Rt>::borrow(rt, fresh.ours.get());
  EXPECT_EQ(slot_of(script.token_of(fresh.ours.get())), slot_of(dead));
  // A second worker parks the reader while the driver stands still; a single one has to be let go first.
  std::optional<ProbeTask> reader;
  if (rt.info().workers > 1) {
    reader.emplace(reader_of(rt, handle));
    while (!reader->started()) std::this_thread::yield();
  }
  points.release(SyncPoint::poll_returned);
  rt.block_on(events_dispatched(rt));
  EXPECT_EQ(handle.slot().word(Direction::read).load() & readiness::ready, 0u) << "a dead source's event became readiness";
  if (!reader) reader.emplace(reader_of(rt, handle));
  while (!reader->started()) std::this_thread::yield();
  EXPECT_EQ(rt.stats().waiters, 1u);
  EXPECT_EQ(reader->polls(), 0u);
  put(fresh.peer.get(), "x");
  reader->join().wait();
}

}  // namespace

BOTH_FORMS_RULE(STL_07, scripted) {
  NEEDS(migration);
  Script script{sys::Op::epoll_wait};
  SyncPoints points;
  points.hold(SyncPoint::poll_before_block);
  Rt& rt = runtime<Rt>();
  points.wait_until_reached(SyncPoint::poll_before_block);
  remove_under_the_driver(rt, script, points, [&](Pair& old) { script.inject_edge(old.ours.get(), EPOLLIN); });
}

BOTH_FORMS_RULE(STL_07, real) {
  NEEDS(migration);
  Script script{sys::Op::epoll_wait};
  SyncPoints points;
  points.hold(SyncPoint::poll_before_block);
  Rt& rt = runtime<Rt>();
  points.wait_until_reached(SyncPoint::poll_before_block);
  remove_under_the_driver(rt, script, points, [&](Pair& old) { put(old.peer.get(), "x"); });
}

// --- STL-08 -------------------------------------------------------------------------------------------------------------------

namespace {

template <class Rt>
struct IdleSources {
  std::vector<Fd> fds;
  std::vector<BasicAsyncFd<Rt>> handles;

  IdleSources(Rt& rt, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      fds.push_back(event_fd());
      handles.push_back(BasicAsyncFd<Rt>::borrow(rt, fds.back().get()));
    }
  }
  std::set<std::uint32_t> slots(const Script& script) const {
    std::set<std::uint32_t> all;
    for (const Fd& fd : fds) all.insert(slot_of(script.token_of(fd.get())));
    return all;
  }
};

Task<> nothing() { co_return; }

}  // namespace

BOTH_FORMS_RULE(STL_08, own_thread) {
  Script script;
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    std::set<std::uint32_t> known;
    for (const unsigned count : {1u, 2u, 7u, 40u}) {
      for (const bool again : {false, true}) {
        IdleSources<Rt> sources{rt, count};
        const std::set<std::uint32_t> used = sources.slots(script);
        EXPECT_EQ(used.size(), count);
        EXPECT_TRUE(!again || std::ranges::includes(known, used)) << "new slots beside free ones, for " << count << " sources";
        known.insert(used.begin(), used.end());
        sources.handles.clear();
        EXPECT_EQ(rt.stats().registrations, 0u);
      }
    }
    co_return;
  }());
}

/// A confined home's handle, dropped elsewhere, is forwarded to its owner: gone once a later wake from there has been served.
BOTH_FORMS_RULE(STL_08, foreign_thread) {
  Script script;
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    std::set<std::uint32_t> known;
    for (const unsigned count : {1u, 2u, 7u, 40u}) {
      for (const bool again : {false, true}) {
        IdleSources<Rt> sources{rt, count};
        const std::set<std::uint32_t> used = sources.slots(script);
        EXPECT_TRUE(!again || std::ranges::includes(known, used)) << "new slots beside free ones, for " << count << " sources";
        known.insert(used.begin(), used.end());
        std::optional<JoinHandle<void>> behind;
        std::thread stranger{[&] {
          sources.handles.clear();
          behind.emplace(rt.spawn(nothing()));
        }};
        stranger.join();
        co_await *behind;
        EXPECT_EQ(rt.stats().registrations, 0u);
      }
    }
  }());
}

// --- STL-09 -------------------------------------------------------------------------------------------------------------------

namespace {

/// The waker of a task that is no more, whose header is the next to be used on this thread.
Task<Waker> stale_waker(IRuntime& rt) {
  ProbeTask task{rt, [](ProbeTask::Poll& poll) { poll.finish(); }};
  co_await task.join();
  co_return task.waker();
}

/// From the runtime's thread and from a foreign one; whatever that started has been polled where one worker polls everything.
Task<> wake_in_vain(Waker stale) {
  for (int i = 0; i < 1'000; ++i) {
    stale.wake();
    co_await yield();
  }
  std::thread{[&] {
    for (int i = 0; i < 1'000; ++i) stale.wake();
  }}.join();
  for (int i = 0; i < 1'000; ++i) co_await yield();
}

}  // namespace

BOTH_FORMS_RULE(STL_09, probe) {
  Rt& rt = runtime<Rt>();
  Waker stale;
  rt.block_on([&]() -> Task<> {
    stale = co_await stale_waker(rt);
    ProbeTask task{rt, {}, [](ProbeTask::Poll& poll) { poll.finish(); }};
    EXPECT_EQ(task.join().header(), &stale.header()) << "the header wasn't reused: nothing was tested";
    while (!task.started()) co_await yield();
    EXPECT_NE(task.waker(), stale);
    co_await wake_in_vain(stale);
    EXPECT_EQ(task.polls(), 0u);
    task.waker().wake();
    co_await task.join();
    EXPECT_EQ(task.polls(), 1u);
  }());
  end_runtime();
  stale.wake();
}

BOTH_FORMS_RULE(STL_09, real) {
  Script script{sys::Op::recv};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    auto reading = [&]() -> Task<IoResult> {
      std::byte byte;
      co_return co_await stream.read({&byte, 1});
    };
    Passage parked{points, SyncPoint::io_parked};
    parked.watch();
    const Waker stale = co_await stale_waker(rt);
    auto reader = rt.spawn(reading());
    EXPECT_EQ(reader.header(), &stale.header()) << "the header wasn't reused: nothing was tested";
    co_await parked.seen();
    co_await wake_in_vain(stale);
    EXPECT_FALSE(reader.done());
    EXPECT_EQ(rt.stats().waiters, 1u);
    EXPECT_EQ(script.count(sys::Op::recv, fd), 1u);
    put(pair.peer.get(), "x");
    EXPECT_EQ(co_await reader, IoResult{1});
  }());
}

}  // namespace reactorlab::conformance
