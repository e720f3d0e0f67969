// FLT: a task that throws leaves those alone that were woken with it.

#include <array>
#include <stdexcept>
#include <type_traits>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/tasks.hpp"
#include "harness/conformance/timers.hpp"

namespace reactorlab::conformance {

// Waking runs no user code, and what a wake leads to lets nothing out.
static_assert(std::is_nothrow_invocable_v<PollFunction, TaskHeader&>);
static_assert(noexcept(resume_frame(std::declval<TaskHeader&>())));
static_assert(noexcept(std::declval<Waker>().wake()));
static_assert(noexcept(std::declval<PromiseBase>().unhandled_exception()));

namespace {

using namespace std::chrono_literals;

constexpr unsigned count = 10, failing = 2;  // the third

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Waits as it is told; then the third throws, out of its body.
template <class Wait>
Task<long> one_of_ten(unsigned which, Wait wait) {
  const IoResult result = co_await wait(which);
  if (which == failing) throw Failure{"the third"};
  co_return result.value();
}

template <class Wait>
std::vector<JoinHandle<long>> spawn_ten(IRuntime& rt, Wait wait) {
  std::vector<JoinHandle<long>> ten;
  for (unsigned i = 0; i < count; ++i) ten.push_back(rt.spawn(one_of_ten(i, wait)));
  return ten;
}

/// co_await: all have ended, the third by its exception, the others with that result.
Task<> ended_as_expected(std::vector<JoinHandle<long>>& ten, long result) {
  for (unsigned i = 0; i < count; ++i) {
    bool failed = false;
    long value = 0;
    try {
      value = co_await ten[i];
    } catch (const Failure&) {
      failed = true;
    }
    EXPECT_EQ(failed, i == failing) << i;
    if (!failed) {
      EXPECT_EQ(value, result) << i;
    }
  }
}

/// co_await: registering, waiting and waking, timers and spawning all work, so no lock is held and the reactor is driven.
Task<> all_goes_on(IRuntime& rt) {
  Pair pair = socket_pair();
  auto handle = AsyncFd::borrow(rt, pair.ours.get());
  auto reader = rt.spawn([](AsyncFd& fd) -> Task<IoResult> { co_return co_await next_edge<Direction::read>(fd); }(handle));
  co_await waiters_are(rt, 1);
  put(pair.peer.get(), "x");
  EXPECT_EQ(co_await reader, IoResult{0});
  EXPECT_EQ(co_await sleep(rt, Duration{1}), IoResult{0});
}

}  // namespace

// --- FLT-04 -------------------------------------------------------------------------------------------------------------------

RULE(FLT_04, waiters_of_one_edge) {
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    Pair pair = socket_pair();
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    auto ten = spawn_ten(rt, [&](unsigned) { return handle.readable(); });
    co_await waiters_are(rt, count);
    put(pair.peer.get(), "x");
    co_await ended_as_expected(ten, POLLIN);
    co_await all_goes_on(rt);
  }());
}

RULE(FLT_04, sources_of_one_wait) {
  Script script;
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    std::vector<Pair> pairs;
    std::vector<AsyncFd> handles;
    for (unsigned i = 0; i < count; ++i) {
      pairs.push_back(socket_pair());
      handles.push_back(AsyncFd::borrow(rt, pairs.back().ours.get()));
    }
    auto ten = spawn_ten(rt, [&](unsigned i) { return next_edge<Direction::read>(handles[i]); });
    co_await waiters_are(rt, count);
    std::vector<Event> events;
    for (const Pair& pair : pairs) events.push_back({EPOLLIN, script.token_of(pair.ours.get())});
    script.inject(script.epoll_of(pairs[0].ours.get()), events);
    co_await ended_as_expected(ten, 0);
    co_await all_goes_on(rt);
  }());
}

RULE(FLT_04, timers_of_one_turn) {
  VirtualClock& time = use_virtual_time();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    const TimePoint deadline = clock::now() + 1h;
    auto ten = spawn_ten(rt, [&](unsigned) { return sleep_until(rt, deadline); });
    co_await timers_are(rt, count);
    time.advance(2h);
    co_await ended_as_expected(ten, 0);
  }());
}

RULE(FLT_04, acceptors_at_shutdown) {
  IRuntime& rt = runtime();
  const auto accept = [&](TcpListener& listener) -> Task<IoResult> {
    const auto accepted = co_await listener.accept();
    co_return -accepted.error();
  };
  std::optional<TcpListener> listener;
  std::vector<JoinHandle<long>> ten;
  rt.block_on([&]() -> Task<> {
    listener.emplace(TcpListener::bind(rt, SocketAddress::loopback(0)));
    ten = spawn_ten(rt, [&](unsigned) { return accept(*listener); });
    co_await waiters_are(rt, count);
  }());
  rt.shutdown(24h);  // as long as there are tasks, and they end
  for (unsigned i = 0; i < count; ++i) {
    if (i == failing) {
      EXPECT_THROW(ten[i].wait(), Failure);
    } else {
      EXPECT_EQ(ten[i].wait(), -ESHUTDOWN) << i;
    }
  }
}

}  // namespace reactorlab::conformance
