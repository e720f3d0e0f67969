// TSK: exceptions.

#include <stdexcept>
#include <string>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/tasks.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

namespace {

struct Failure : std::runtime_error {
  explicit Failure(unsigned n) : std::runtime_error{"failure " + std::to_string(n)}, number{n} {}
  unsigned number;
};

/// Throws its number if that is a multiple of ten, else returns it; before or after it has been suspended.
Task<unsigned> one_in_ten_fails(unsigned number, Witness) {
  if (number % 3 != 0) co_await yield();
  if (number % 10 == 0) throw Failure{number};
  co_return number;
}

Task<unsigned> passes_on(unsigned number, Witness witness) {
  const unsigned result = co_await one_in_ten_fails(number, std::move(witness));
  co_return result;
}

constexpr unsigned tasks = 1'000;

}  // namespace

// --- TSK-12 ---------------------------------------------------------------------------------------------------------------------

RULE(TSK_12, the_joiner_gets_it) {
  std::atomic<unsigned> ends{0};
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    std::vector<JoinHandle<unsigned>> joins;
    for (unsigned i = 0; i < tasks; ++i) {
      joins.push_back(rt.spawn(i % 2 == 0 ? one_in_ten_fails(i, Witness{ends}) : passes_on(i, Witness{ends})));
    }
    unsigned failed = 0, wrong = 0;
    for (unsigned i = 0; i < tasks; ++i) {
      try {
        const unsigned number = co_await joins[i];
        if (number != i || i % 10 == 0) ++wrong;
      } catch (const Failure& failure) {
        ++failed;
        if (failure.number != i) ++wrong;
      }
    }
    EXPECT_EQ(failed, tasks / 10);
    EXPECT_EQ(wrong, 0u);
  }());
  EXPECT_EQ(ends, tasks);
}

RULE(TSK_12, nobody_else_is_harmed) {
  std::atomic<unsigned> ends{0};
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    for (unsigned i = 0; i < tasks; ++i) rt.spawn(passes_on(i, Witness{ends})).detach();
    while (ends != tasks) co_await yield();
  }());
  if (!confined()) Occupied{rt, workers()};  // every worker is still there
}

// --- TSK-13 ---------------------------------------------------------------------------------------------------------------------

namespace {

enum class After { nothing, a_yield, io, a_timer };

Task<> fails(IRuntime& rt, After after, unsigned number, Witness) {
  switch (after) {
    case After::nothing: break;
    case After::a_yield: co_await yield(); break;
    case After::io: {
      Pair pair = socket_pair();
      auto handle = AsyncFd::own(rt, pair.ours.release());
      auto peer = AsyncFd::own(rt, pair.peer.release());
      co_await yield();
      put(peer.fd(), "x");
      (void)co_await next_edge<Direction::read>(handle);
      throw Failure{number};  // with the handles alive
    }
    case After::a_timer: (void)co_await sleep(rt, 10ms); break;
  }
  throw Failure{number};
}

Task<std::string> echo(IRuntime& rt) {
  Pair pair = socket_pair();
  auto stream = TcpStream::adopt(rt.ref(), pair.ours.release()).take();
  put(pair.peer.get(), "ping");
  std::array<std::byte, 8> room;
  const IoResult got = co_await stream.read(room);
  co_return std::string(reinterpret_cast<const char*>(room.data()), got ? got.count() : 0);
}

}  // namespace

RULE(TSK_13, the_caller_gets_it_and_the_runtime_goes_on) {
  use_virtual_time(VirtualClock::Mode::automatic);
  std::atomic<unsigned> ends{0};
  IRuntime& rt = runtime();
  unsigned number = 0;
  for (int round = 0; round < 10; ++round) {
    for (const After after : {After::nothing, After::a_yield, After::io, After::a_timer}) {
      unsigned caught = 0;
      ++number;
      try {
        rt.block_on(fails(rt, after, number, Witness{ends}));
      } catch (const Failure& failure) {
        caught = failure.number;
      }
      EXPECT_EQ(caught, number);
      EXPECT_EQ(ends, number);
      EXPECT_EQ(rt.block_on(echo(rt)), "ping");
    }
  }
}

}  // namespace reactorlab::conformance
