// MRT: what a thread has of the runtimes that it enters, and what a child process has of its parent's.

#include <gmock/gmock.h>

#include <cstdio>
#include <map>
#include <sstream>
#include <stdexcept>

#include "core/udp.hpp"
#include "core/unix_stream.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

using namespace std::chrono_literals;

// --- what of MRT-05 holds by construction -------------------------------------------------------------------------------------

// There is no current runtime that could be left behind: whatever makes a handle or a timer is told which one is meant.
template <class... Arguments>
concept MakesSleep = requires(Arguments... arguments) {
  reactorlab::sleep(arguments...);
};
template <class... Arguments>
concept MakesHandle = requires(Arguments... arguments) {
  AsyncFd::borrow(arguments...);
};
template <class... Arguments>
concept MakesListener = requires(Arguments... arguments) {
  TcpListener::bind(arguments...);
};
template <class... Arguments>
concept MakesStream = requires(Arguments... arguments) {
  TcpStream::connect(arguments...);
};
static_assert(MakesSleep<IRuntime&, Duration> && !MakesSleep<Duration>);
static_assert(MakesHandle<IRuntime&, int> && !MakesHandle<int>);
static_assert(MakesListener<IRuntime&, SocketAddress> && !MakesListener<SocketAddress>);
static_assert(MakesStream<IRuntime&, SocketAddress> && !MakesStream<SocketAddress>);
static_assert(!std::is_default_constructible_v<TcpStream> && !std::is_default_constructible_v<AsyncFd>);

// And a task's own runtime comes to it by its promise, so that one without it can't await.
struct Stranger {
  struct promise_type {
    Stranger get_return_object();
    std::suspend_never initial_suspend();
    std::suspend_never final_suspend() noexcept;
    void unhandled_exception();
    void return_void();
  };
};
static_assert(TaskPromise<Task<>::promise_type> && !TaskPromise<Stranger::promise_type>);

// --- tests --------------------------------------------------------------------------------------------------------------------

/// Of a task: its thread is this runtime's, and new handles and timers of this runtime work.
Task<> at_home(IRuntime& rt) {
  EXPECT_TRUE(rt.executor().on_own_thread());
  Pair pair = socket_pair();
  auto handle = AsyncFd::borrow(rt, pair.ours.get());
  put(pair.peer.get(), "x");
  EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
  EXPECT_EQ(co_await sleep(rt, 1ms), IoResult{0});
  EXPECT_TRUE(rt.executor().on_own_thread());
}

Task<> failing(IRuntime& rt) {
  co_await at_home(rt);
  throw std::runtime_error{"from inside"};
}

/// In a task of `outer`, runs of `inner`, by return and by exception.
Task<> enters(IRuntime& outer, IRuntime& inner) {
  co_await at_home(outer);
  inner.block_on(at_home(inner));
  co_await at_home(outer);
  EXPECT_THROW(inner.block_on(failing(inner)), std::runtime_error);
  co_await at_home(outer);
  inner.block_on(at_home(inner));
}

/// A home that can be on a thread of the variant's beside it.
const char* home_beside(bool confined) { return confined ? "arc_mutex" : "thread_local"; }

/// What a program finds open that is started now: number -> what it is. /proc itself is somebody's who looks around there.
std::map<int, std::string> open_in_a_child() {
  const Quiescence::OutsideHelp child;
  std::FILE* const output = ::popen("exec ls -l /proc/self/fd", "re");  // by posix_spawn
  if (!output) throw std::system_error{errno, std::system_category(), "popen"};
  std::map<int, std::string> open;
  char line[4096];
  while (std::fgets(line, sizeof line, output)) {
    const std::string_view entry{line};
    const std::size_t arrow = entry.find(" -> ");
    if (arrow == entry.npos || entry.substr(arrow + 4).starts_with("/proc/")) continue;
    const std::size_t number = entry.rfind(' ', arrow - 1) + 1;
    open[std::stoi(std::string{entry.substr(number, arrow - number)})] = entry.substr(arrow + 4, entry.size() - arrow - 5);
  }
  EXPECT_EQ(::pclose(output), 0);
  return open;
}

}  // namespace

// --- MRT-05 -------------------------------------------------------------------------------------------------------------------

/// A runtime of another home is made, entered and destroyed inside a task.
RULE(MRT_05, another_home_inside) {
  IRuntime& outer = runtime();
  for (int round = 0; round < 3; ++round) {
    outer.block_on([&]() -> Task<> {
      {
        auto inner = make_runtime(home_beside(confined()));
        inner->block_on(at_home(*inner));
        EXPECT_THROW(inner->block_on(failing(*inner)), std::runtime_error);
        inner->block_on(at_home(*inner));
      }
      co_await at_home(outer);
    }());
    EXPECT_THROW(outer.block_on(failing(outer)), std::runtime_error);
  }
  outer.block_on(at_home(outer));
}

RULE(MRT_05, the_same_home_inside) {
  NEEDS(several_per_thread);
  IRuntime& outer = runtime();
  auto inner = make(), innermost = make();
  outer.block_on(enters(outer, *inner));
  const auto three_deep = [&](bool fails) -> Task<> {
    inner->block_on(enters(*inner, *innermost));
    co_await at_home(outer);
    if (fails) inner->block_on(failing(*inner));
  };
  outer.block_on(three_deep(false));
  EXPECT_THROW(outer.block_on(three_deep(true)), std::runtime_error);
  outer.block_on(three_deep(false));
}

/// Made and destroyed by one thread, in both orders, the first while the second is in use.
RULE(MRT_05, destroyed_in_either_order) {
  NEEDS(several_per_thread);
  for (const bool first_made_first : {false, true}) {
    auto first = make(), second = make();
    if (!first_made_first) swap(first, second);
    second->block_on([&]() -> Task<> {
      Pair pair = socket_pair();
      auto handle = AsyncFd::borrow(*first, pair.ours.get());
      first->block_on(at_home(*first));
      first.reset();
      EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{-ESHUTDOWN});
      co_await at_home(*second);
    }());
    second->block_on(at_home(*second));
  }
}

RULE(MRT_05, the_next_on_this_thread) {
  for (int round = 0; round < 3; ++round) {
    auto rt = make();
    rt->block_on(at_home(*rt));
    EXPECT_THROW(rt->block_on(failing(*rt)), std::runtime_error);
    rt->block_on(at_home(*rt));
  }
}

// --- MRT-08 -------------------------------------------------------------------------------------------------------------------

RULE(MRT_08, a_child_has_none) {
  const auto before = open_in_a_child();
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    auto listener = TcpListener::bind(rt, SocketAddress::loopback(0));
    const auto client = (co_await TcpStream::connect(rt, listener.local_address())).take();
    const auto accepted = (co_await listener.accept()).take();
    const auto datagrams = UdpSocket::bind(rt, SocketAddress::loopback(0));
    const auto ends = UnixStream::pair(rt).take();
    EXPECT_EQ(co_await sleep(rt, 1ms), IoResult{0});
    for (const auto& [fd, what] : open_in_a_child()) EXPECT_TRUE(before.contains(fd)) << fd << " is inherited: " << what;
  }());
}

}  // namespace reactorlab::conformance
