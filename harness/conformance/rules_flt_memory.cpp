// FLT: memory ends inside a call.

#include <array>

#include "core/children.hpp"
#include "core/deadline_timer.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/no_memory.hpp"
#include "harness/conformance/probe_task.hpp"
#include "harness/conformance/tasks.hpp"

namespace reactorlab::conformance {
namespace {

using namespace std::chrono_literals;

Task<int> answer(Witness) { co_return 42; }

/// Waits until nothing lives but `left` tasks: a task's end is counted after its join.
void tasks_are(IRuntime& rt, std::uint64_t left) {
  while (rt.stats().live_tasks != left) std::this_thread::yield();
}

/// From here on memory that is committed in pieces ends with the present one.
void let_no_piece_be_committed(Script& script) { script.fail(sys::Op::mprotect, Script::any_fd, ENOMEM, 1, Script::forever); }

}  // namespace

// --- FLT-07: spawning -----------------------------------------------------------------------------------------------------------

RULE(FLT_07, spawn) {
  std::atomic<unsigned> ends{0};
  IRuntime& rt = runtime();
  std::optional<JoinHandle<int>> join;
  const unsigned failed = each_allocation_fails([&] { join.emplace(rt.spawn(answer(Witness{ends}))); },
                                                [&](unsigned n, bool threw) {
                                                  EXPECT_EQ(join.has_value(), !threw);
                                                  if (threw) {
                                                    EXPECT_EQ(ends, n) << "an argument was lost, or ran";
                                                  }
                                                  EXPECT_LE(rt.stats().live_tasks, threw ? 0u : 1u);
                                                });
  EXPECT_GE(failed, 1u);
  EXPECT_EQ(rt.block_on([](JoinHandle<int>& task) -> Task<int> { co_return co_await task; }(*join)), 42);
}

RULE(FLT_07, spawn_inside_a_task) {
  need_failing_allocations();
  std::atomic<unsigned> ends{0};
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    std::optional<JoinHandle<int>> join;
    each_allocation_fails([&] { join.emplace(rt.spawn(answer(Witness{ends}))); },
                          [&](unsigned n, bool threw) {
                            EXPECT_EQ(join.has_value(), !threw);
                            if (threw) {
                              EXPECT_EQ(ends, n);
                            }
                          });
    EXPECT_EQ(co_await *join, 42);
  }());
}

/// It is a whole piece of memory that new headers come from, and none can be had.
RULE(FLT_07, headers_run_out) {
  constexpr unsigned many = 1'000'000;
  std::atomic<unsigned> ends{0};
  std::vector<JoinHandle<int>> joins;
  Script script;
  IRuntime& rt = runtime();
  {
    const Occupied nobody_polls{rt, confined() ? 0 : workers()};
    let_no_piece_be_committed(script);
    bool threw = false;
    while (!threw && joins.size() < many) {
      try {
        joins.push_back(rt.spawn(answer(Witness{ends})));
      } catch (const std::bad_alloc&) {
        threw = true;
      }
    }
    ASSERT_TRUE(threw) << "headers never ran out";
    EXPECT_EQ(ends, 1u) << "the frame of the task that couldn't be spawned";
    EXPECT_EQ(rt.stats().live_tasks, joins.size() + (confined() ? 0 : workers()));
    script.let_through();
    joins.push_back(rt.spawn(answer(Witness{ends})));
  }
  rt.block_on([&]() -> Task<> {
    for (auto& join : joins) EXPECT_EQ(co_await join, 42);
  }());
  EXPECT_EQ(ends, joins.size() + 1);
}

/// The caller of block_on owns what its task uses, so it may not be let go before that has ended.
RULE(FLT_07, block_on) {
  IRuntime& rt = runtime();
  bool ended = false, returned = false;
  each_allocation_fails(
      [&] {
        ended = returned = false;
        const auto root = [&]() -> Task<int> {
          for (int i = 0; i < 3; ++i) co_await yield();
          ended = true;
          co_return 42;
        };
        EXPECT_EQ(rt.block_on(root()), 42);
        returned = true;
      },
      [&](unsigned n, bool threw) {
        EXPECT_EQ(returned, !threw) << n;
        EXPECT_EQ(ended, returned) << n;
        tasks_are(rt, 0);
      });
}

/// A result that needs memory of its own is replaced by the exception.
RULE(FLT_07, result) {
  need_failing_allocations();
  IRuntime& rt = runtime();
  bool threw = false;
  try {
    (void)rt.block_on([]() -> Task<std::array<char, 100>> {
      memory::fails_in = 1;  // the next that this thread makes, which is for what is returned here
      co_return std::array<char, 100>{};
    }());
  } catch (const std::bad_alloc&) {
    threw = true;
  }
  memory::fails_in = 0;
  EXPECT_TRUE(threw);
  EXPECT_EQ(rt.block_on([]() -> Task<int> { co_return 42; }()), 42);
}

// --- FLT-07: registering --------------------------------------------------------------------------------------------------------

namespace {

/// What makes a registration, each in its way. What it returns holds it.
using Make = std::function<std::shared_ptr<void>(IRuntime&)>;

template <class Handle>
std::shared_ptr<void> held(Handle handle) {
  return std::make_shared<Handle>(std::move(handle));
}

const Make ways_to_register[] = {
    [](IRuntime& rt) {
      Fd fd = event_fd();
      auto handle = AsyncFd::own(rt, fd.get());
      (void)fd.release();
      return held(std::move(handle));
    },
    [](IRuntime& rt) { return held(TcpListener::bind(rt, SocketAddress::loopback(0))); },
    [](IRuntime& rt) { return held(UdpSocket::bind(rt, SocketAddress::loopback(0))); },
    [](IRuntime& rt) { return held(UnixStream::pair(rt).take()); },
};

}  // namespace

RULE(FLT_07, registering) {
  need_failing_allocations();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    for (const Make& make_one : ways_to_register) {
      const ProcessState before = ProcessState::now();
      std::shared_ptr<void> made;
      const unsigned failed = each_allocation_fails([&] { made = make_one(rt); },
                                                    [&](unsigned, bool threw) {
                                                      EXPECT_EQ(made == nullptr, threw);
                                                      if (threw) {
                                                        EXPECT_EQ(rt.stats().registrations, 0u);
                                                      }
                                                      if (threw) {
                                                        EXPECT_EQ(ProcessState::now().descriptors, before.descriptors);
                                                      }
                                                    });
      EXPECT_GE(failed, 1u);
      EXPECT_NE(rt.stats().registrations, 0u);
      made.reset();
      EXPECT_EQ(rt.stats().registrations, 0u);
    }
    co_return;
  }());
}

RULE(FLT_07, slots_run_out) {
  std::vector<std::unique_ptr<Slab>> ranges;
  Script script{sys::Op::mmap};
  take_spare_ranges(script, ranges);
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    const Fd one = event_fd(1);
    let_no_piece_be_committed(script);
    std::vector<AsyncFd> handles;
    int refused = 0;
    while (refused == 0 && handles.size() < 15'000) {
      Fd copy{checked(::fcntl(one.get(), F_DUPFD_CLOEXEC, 0), "fcntl")};
      try {
        handles.push_back(AsyncFd::own(rt, copy.get()));
        (void)copy.release();
      } catch (const std::system_error& error) {
        refused = error.code().value();
      }
    }
    EXPECT_EQ(refused, ENOMEM);
    EXPECT_EQ(rt.stats().registrations, handles.size());
    EXPECT_EQ(co_await next_edge<Direction::read>(handles.front()), IoResult{0});
    EXPECT_EQ(co_await next_edge<Direction::read>(handles.back()), IoResult{0});
    handles.pop_back();
    handles.push_back(AsyncFd::own(rt, event_fd(1).release()));  // a slot that is free needs no memory
    EXPECT_EQ(co_await next_edge<Direction::read>(handles.back()), IoResult{0});
    script.let_through();
    handles.push_back(AsyncFd::own(rt, event_fd(1).release()));
    EXPECT_EQ(co_await next_edge<Direction::read>(handles.back()), IoResult{0});
  }());
}

/// Whoever waits behind another on one handle needs a place in a list.
RULE(FLT_07, further_waiter) {
  need_failing_allocations();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    Pair pair = socket_pair();
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    auto first = rt.spawn([](AsyncFd& fd) -> Task<IoResult> { co_return co_await fd.readable(); }(handle));
    co_await waiters_are(rt, 1);
    memory::fails_in = 1;
    const IoResult second = co_await handle.readable();
    memory::fails_in = 0;
    EXPECT_EQ(second, IoResult{-ENOMEM});
    EXPECT_EQ(rt.stats().waiters, 1u);
    put(pair.peer.get(), "x");
    EXPECT_EQ(co_await first, IoResult{POLLIN});
    EXPECT_EQ(co_await handle.readable(), IoResult{POLLIN});
  }());
}

// --- FLT-07: timers -------------------------------------------------------------------------------------------------------------

RULE(FLT_07, timers) {
  use_virtual_time(VirtualClock::Mode::automatic);
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    Pair pair = socket_pair();
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    DeadlineTimer timer{rt};
    const auto ref = rt.ref();
    Timer entry;
    entry.task = &co_await current_task();
    bool needed;
    {
      NoMemory fault{1};
      const IoResult started = ref.start_timer(entry, clock::now() + 1h);
      needed = fault.struck();
      EXPECT_EQ(started, IoResult{needed ? -ENOMEM : 0});
    }
    ref.stop_timer(entry);
    // Where it is needed, whatever waits for a timer says so at once. Elsewhere it would wait, and go on on another thread.
    for (int kind = 0; needed && kind < 3; ++kind) {
      IoResult result;
      (void)timer.reset(clock::now() + 1ms);
      memory::fails_in = 1;
      switch (kind) {
        case 0: result = co_await sleep(rt, 1ms); break;
        case 1: result = co_await timeout(rt, 1ms, handle.readable()); break;
        case 2: result = co_await timer.wait(); break;
      }
      memory::fails_in = 0;
      EXPECT_EQ(result, IoResult{-ENOMEM}) << kind;
    }
    EXPECT_EQ(rt.stats().pending_timers, 0u) << "a timer is counted that nobody waits for";
    EXPECT_EQ(rt.stats().waiters, 0u);
    EXPECT_EQ(co_await sleep(rt, 1ms), IoResult{0});
  }());
}

/// Delivering a wake mustn't depend on memory either.
RULE(FLT_07, wakes_need_none) {
  need_failing_allocations();
  IRuntime& rt = runtime();
  AutoResetEvent started;
  ProbeTask probe{rt, [&](ProbeTask::Poll&) { started.set(); }, [](ProbeTask::Poll& poll) { poll.finish(); }};
  rt.block_on([&]() -> Task<> {
    co_await started.wait();
    on_another_thread([&] {
      WakeBatch batch;
      {
        NoMemory fault{1};
        batch.take_any(probe.waker().header(), [] {});
      }
      batch.deliver_anywhere();
    });
    co_await probe.join();
  }());
  EXPECT_EQ(probe.polls(), 1u);
}

}  // namespace reactorlab::conformance
