// SHD: the end of a runtime.

#include <array>
#include <atomic>
#include <thread>

#include "core/event.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/tasks.hpp"

namespace reactorlab::conformance {
namespace {

/// What became of the tasks of a test.
struct Tally {
  std::atomic<unsigned> started{0};
  std::atomic<unsigned> destroyed{0};
  std::atomic<unsigned> elsewhere{0};  ///< of these, on a thread that isn't the runtime's
  std::atomic<unsigned> returned{0};
};

/// A local of an unfinished task.
class Guard {
 public:
  Guard(Tally& tally, const Executor& executor) : tally_{tally}, executor_{executor} { tally_.started.fetch_add(1); }
  Guard(const Guard&) = delete;
  ~Guard() {
    tally_.destroyed.fetch_add(1);
    if (!executor_.on_own_thread()) tally_.elsewhere.fetch_add(1);
  }

 private:
  Tally& tally_;
  const Executor& executor_;
};

Task<> parked_on_nothing(IRuntime& rt, Tally& tally) {
  const Guard guard{tally, rt.executor()};
  co_await Forever{};
  tally.returned.fetch_add(1);
}

Task<> parked_on_io(IRuntime& rt, Tally& tally) {
  const Guard guard{tally, rt.executor()};
  auto handle = AsyncFd::own(rt, event_fd().release());
  (void)co_await handle.readable();
  tally.returned.fetch_add(1);
}

Task<> parked_on_a_timer(IRuntime& rt, Tally& tally) {
  const Guard guard{tally, rt.executor()};
  (void)co_await sleep(rt, std::chrono::hours{24});
  tally.returned.fetch_add(1);
}

Task<> parked_on_a_join(IRuntime& rt, Tally& tally, JoinHandle<void> other) {
  const Guard guard{tally, rt.executor()};
  co_await other;
  tally.returned.fetch_add(1);
}

constexpr unsigned of_each_kind = 250;
constexpr unsigned all = 4 * of_each_kind;

/// 1,000 tasks that never end, all of them parked when this returns.
void park_them(IRuntime& rt, Tally& tally) {
  for (unsigned i = 0; i < of_each_kind; ++i) {
    rt.spawn(parked_on_a_join(rt, tally, rt.spawn(parked_on_nothing(rt, tally)))).detach();
    rt.spawn(parked_on_io(rt, tally)).detach();
    rt.spawn(parked_on_a_timer(rt, tally)).detach();
  }
  rt.block_on([&]() -> Task<> {
    while (tally.started.load() < all) co_await yield();
  }());
  const auto all_parked = [&] {  // and the root is gone
    const RuntimeStats now = rt.stats();
    return now.waiters == of_each_kind && now.pending_timers == of_each_kind && now.live_tasks == all;
  };
  while (!all_parked()) std::this_thread::yield();
}

void expect_each_destroyed_once(const Tally& tally) {
  EXPECT_EQ(tally.started.load(), all);
  EXPECT_EQ(tally.destroyed.load(), all);
  EXPECT_EQ(tally.elsewhere.load(), 0u) << "frames were destroyed on a thread that isn't the runtime's";
  EXPECT_EQ(tally.returned.load(), 0u);
}

}  // namespace

// --- SHD-01 -------------------------------------------------------------------------------------------------------------------

RULE(SHD_01, destroyed_with_the_runtime) {
  Tally tally;
  auto rt = make();
  park_them(*rt, tally);
  rt.reset();
  expect_each_destroyed_once(tally);
}

RULE(SHD_01, destroyed_by_shutdown) {
  Tally tally;
  IRuntime& rt = runtime();
  park_them(rt, tally);
  rt.shutdown(Duration::zero());
  expect_each_destroyed_once(tally);
  EXPECT_EQ(rt.stats().live_tasks, 0u);
  end_runtime();
  expect_each_destroyed_once(tally);
}

RULE(SHD_01, destroyed_unrun) {
  Tally tally;
  auto rt = make();
  // Parameters are part of a frame from the start.
  const auto carries = [](std::unique_ptr<Guard>) -> Task<> { co_await Forever{}; };
  for (unsigned i = 0; i < all; ++i) rt->spawn(carries(std::make_unique<Guard>(tally, rt->executor()))).detach();
  rt.reset();
  expect_each_destroyed_once(tally);
}

RULE(SHD_01, destructors_may_spawn_wake_and_close) {
  Tally tally;
  auto rt = make();
  Pair pair = socket_pair();
  AutoResetEvent event;
  struct Busy {
    IRuntime& rt;
    Tally& tally;
    AsyncFd& shared;
    AutoResetEvent& event;
    std::atomic<bool>& closed;
    Busy(IRuntime& runtime, Tally& t, AsyncFd& fd, AutoResetEvent& e, std::atomic<bool>& c)
        : rt{runtime}, tally{t}, shared{fd}, event{e}, closed{c} {}
    Busy(const Busy&) = delete;
    ~Busy() {
      rt.spawn(parked_on_nothing(rt, tally)).detach();  // destroyed unrun, or after its first step
      event.set();
      if (!closed.exchange(true)) shared.close();  // somebody is parked on it; a handle is closed by one thread
    }
  };
  auto shared = AsyncFd::borrow(*rt, pair.ours.get());
  std::atomic<unsigned> parked{0};
  std::atomic<bool> closed{false};
  const auto busy = [&]() -> Task<> {
    const Guard guard{tally, rt->executor()};
    const Busy last{*rt, tally, shared, event, closed};
    parked.fetch_add(1);
    co_await Forever{};
  };
  const auto waits_for_io = [&]() -> Task<> {
    const Guard guard{tally, rt->executor()};
    parked.fetch_add(1);
    (void)co_await shared.readable();
  };
  const auto waits_for_event = [&]() -> Task<> {
    const Guard guard{tally, rt->executor()};
    parked.fetch_add(1);
    co_await event.wait();
  };
  rt->spawn(waits_for_io()).detach();
  rt->spawn(waits_for_event()).detach();
  constexpr unsigned busy_tasks = 100;
  for (unsigned i = 0; i < busy_tasks; ++i) rt->spawn(busy()).detach();
  rt->block_on([&]() -> Task<> {
    while (parked.load() < busy_tasks + 2) co_await yield();
  }());
  rt.reset();
  EXPECT_EQ(tally.destroyed.load(), tally.started.load());
  EXPECT_GE(tally.destroyed.load(), busy_tasks + 2);
  EXPECT_EQ(tally.elsewhere.load(), 0u);
}

// --- SHD-12 -------------------------------------------------------------------------------------------------------------------

RULE(SHD_12, fifty_in_a_row) {
  make().reset();  // what a home makes once for the whole process is there from here on
  const ProcessState before = ProcessState::now();
  for (int round = 0; round < 50; ++round) {
    auto rt = make();
    Pair pair = tcp_pair();
    rt->block_on([&]() -> Task<> {
      auto cancelled = rt->spawn([](IRuntime& runtime) -> Task<> {
        auto handle = AsyncFd::own(runtime, event_fd().release());
        (void)co_await timeout(runtime, std::chrono::hours{1}, handle.readable());
      }(*rt));
      auto stream = TcpStream::adopt(rt->ref(), pair.ours.release());
      for (int message = 0; message < 5; ++message) {
        put(pair.peer.get(), "ping");
        std::array<std::byte, 16> room;
        const IoResult got = co_await stream->read(room);
        EXPECT_TRUE(co_await stream->write_all(std::span{room}.first(got.count())));
        EXPECT_EQ(take(pair.peer.get(), 4), "ping");
      }
      EXPECT_EQ(co_await sleep(*rt, std::chrono::microseconds{1}), IoResult{0});
      cancelled.cancel();
      bool was_cancelled = false;
      try {
        co_await cancelled;
      } catch (const TaskCancelled&) {
        was_cancelled = true;
      }
      EXPECT_TRUE(was_cancelled);
    }());
    rt->spawn([](IRuntime& runtime) -> Task<> { (void)co_await sleep(runtime, std::chrono::hours{1}); }(*rt)).detach();
    rt->shutdown(Duration::zero());
    const RuntimeStats left = rt->stats();
    EXPECT_EQ(left.registrations, 0u);
    EXPECT_EQ(left.waiters, 0u);
    EXPECT_EQ(left.pending_timers, 0u);
    EXPECT_EQ(left.live_tasks, 0u);
  }
  const ProcessState after = ProcessState::settled_like(before);
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.threads, before.threads);
}

}  // namespace reactorlab::conformance
