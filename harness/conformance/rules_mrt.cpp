// MRT: two runtimes side by side, and what passes between their tasks.

#include <gmock/gmock.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

#include "core/channel.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/neighbour.hpp"
#include "harness/conformance/streams.hpp"

namespace reactorlab::conformance {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Echoes, each of which waits for an edge of this runtime's reactor, and a timer after every tenth.
Task<> served(IRuntime& rt, unsigned rounds) {
  Pair pair = socket_pair();
  auto stream = stream_over(rt, std::move(pair.ours));
  for (unsigned round = 1; round <= rounds; ++round) {
    put(pair.peer.get(), "x");
    if (rt.info().backend != Backend::uring) {  // a ring receives for an operation, not for an edge
      EXPECT_EQ(co_await next_edge<Direction::read>(stream), IoResult{0});
    }
    std::array<std::byte, 1> byte{};
    EXPECT_EQ(co_await stream.read(byte), IoResult{1});
    EXPECT_TRUE(co_await stream.write_all(byte));
    EXPECT_EQ(take(pair.peer.get(), 1), "x");
    if (round % 10 != 0) continue;
    EXPECT_EQ(co_await sleep(rt, 1ms), IoResult{0});
  }
}

Task<> parked_on(IRuntime& rt, int fd) {
  auto handle = AsyncFd::borrow(rt, fd);
  (void)co_await handle.readable();
}

constexpr unsigned messages = sanitized ? 1'000 : 10'000;
constexpr unsigned joins = sanitized ? 100 : 1'000;

/// Counts polls on a thread that isn't the task's runtime's.
class Places {
 public:
  void look(IRuntime& rt) noexcept {
    if (!rt.executor().on_own_thread()) wrong_.fetch_add(1);
  }
  /// There were none, or the process ends: runtimes that have polled each other's tasks can't be shut down.
  void check() const {
    if (wrong_ == 0) return;
    ADD_FAILURE() << wrong_ << " polls on a thread that isn't the task's runtime's";
    std::abort();
  }

 private:
  std::atomic<unsigned> wrong_{0};
};

using Numbers = Channel<unsigned>;

Task<> answer(IRuntime& rt, Places& places, Numbers& questions, Numbers& answers) {
  while (const auto n = co_await questions.receive()) {
    places.look(rt);
    EXPECT_TRUE(co_await answers.send(*n + 1));
    places.look(rt);
  }
  answers.close();
}

Task<> ask(IRuntime& rt, Places& places, Numbers& questions, unsigned count) {
  for (unsigned n = 0; n < count; ++n) {
    EXPECT_TRUE(co_await questions.send(unsigned{n}));
    places.look(rt);
  }
  questions.close();
}

/// How often the task was handed on before it came to its end.
Task<> hand_on(IRuntime& here, IRuntime& there, Places& places, unsigned rounds, AutoResetEvent& done) {
  places.look(here);
  if (rounds == 0) {
    done.set();
  } else {
    there.spawn(hand_on(there, here, places, rounds - 1, done)).detach();
  }
  co_return;
}

Task<unsigned> twice_on(IRuntime& rt, Places& places, unsigned n) {
  places.look(rt);
  co_await yield();
  places.look(rt);
  if (n % 10 == 9) throw std::runtime_error{"nine"};
  co_return 2 * n;
}

/// Tasks of `there` joined by a task of `here`: every tenth throws, every tenth is cancelled.
Task<> join_many(IRuntime& here, IRuntime& there, Places& places) {
  for (unsigned n = 0; n < joins; ++n) {
    if (n % 10 == 5) {
      auto endless = there.spawn([]() -> Task<> { co_await Forever{}; }());
      endless.cancel();
      EXPECT_TRUE(co_await ended_cancelled(endless));
      continue;
    }
    auto task = there.spawn(twice_on(there, places, n));
    bool thrown = false;
    try {
      EXPECT_EQ(co_await task, 2 * n);
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_EQ(thrown, n % 10 == 9);
    places.look(here);
  }
}

}  // namespace

// --- MRT-01 -------------------------------------------------------------------------------------------------------------------

RULE(MRT_01, the_other_waits) {
  Neighbour other{[this] { return make(); }};
  const Pair silent = socket_pair();
  auto waiting = other.runtime().spawn(parked_on(other.runtime(), silent.ours.get()));
  other.drive();
  while (!all_others_sleep()) std::this_thread::yield();  // it is inside its wait, which has no limit
  runtime().block_on(served(runtime(), 100));
  put(silent.peer.get(), "x");
  waiting.wait();
}

RULE(MRT_01, the_other_is_blocked) {
  Neighbour other{[this] { return make(); }};
  other.drive();
  const Occupied blocked{other.runtime(), workers()};
  runtime().block_on(served(runtime(), 100));
}

RULE(MRT_01, the_other_is_busy) {
  Neighbour other{[this] { return make(); }};
  std::atomic<bool> over{false};
  std::vector<JoinHandle<void>> spinning;
  for (int i = 0; i < 16; ++i) {
    spinning.push_back(other.runtime().spawn([](std::atomic<bool>& enough) -> Task<> {
      while (!enough) co_await yield();
    }(over)));
  }
  other.drive();
  runtime().block_on(served(runtime(), 20));
  over = true;
  for (auto& task : spinning) task.wait();
}

/// Others come, throw out of a run, and end with tasks and timers that are pending.
RULE(MRT_01, the_other_fails_and_ends) {
  IRuntime& rt = runtime();
  const Pair pair = socket_pair(), silent = socket_pair();
  auto handle = AsyncFd::borrow(rt, pair.ours.get());
  for (int round = 0; round < 10; ++round) {
    Neighbour other{[this] { return make(); }};
    IRuntime& failing = other.runtime();
    failing.spawn(parked_on(failing, silent.ours.get())).detach();
    failing.spawn([](IRuntime& its) -> Task<> { (void)co_await sleep(its, 1h); }(failing)).detach();
    other.there([&] {
      EXPECT_THROW(failing.block_on([]() -> Task<> {
        co_await yield();
        throw std::runtime_error{"of the other"};
      }()),
                   std::runtime_error);
    });
    rt.block_on([&]() -> Task<> {
      auto edge = rt.spawn([](AsyncFd& fd) -> Task<IoResult> { co_return co_await next_edge<Direction::read>(fd); }(handle));
      co_await yield();
      other.end();
      put(pair.peer.get(), "x");
      EXPECT_EQ(co_await edge, IoResult{0});
      EXPECT_EQ(take(pair.ours.get(), 1), "x");
      co_await served(rt, 1);
    }());
  }
}

// --- MRT-03 -------------------------------------------------------------------------------------------------------------------

/// With a capacity of 1 each message wakes a task of the other runtime; with a larger one they come in batches.
RULE(MRT_03, channels_both_ways) {
  Neighbour other{[this] { return make(); }};
  other.drive();
  IRuntime& rt = runtime();
  for (const auto& [capacity, count] : {std::pair{1u, messages / 10}, std::pair{64u, messages}}) {
    Numbers questions{capacity}, answers{capacity};
    Places places;
    auto answering = other.runtime().spawn(answer(other.runtime(), places, questions, answers));
    rt.block_on([&]() -> Task<> {
      auto asking = rt.spawn(ask(rt, places, questions, count));
      unsigned next = 0;
      while (const auto n = co_await answers.receive()) {
        places.look(rt);
        EXPECT_EQ(*n, ++next);
      }
      EXPECT_EQ(next, count);
      co_await asking;
    }());
    answering.wait();
    places.check();
  }
}

RULE(MRT_03, each_spawns_on_the_other) {
  Neighbour other{[this] { return make(); }};
  other.drive();
  IRuntime& rt = runtime();
  AutoResetEvent done;
  Places places;
  rt.block_on([&]() -> Task<> {
    rt.spawn(hand_on(rt, other.runtime(), places, joins, done)).detach();
    co_await done.wait();
  }());
  places.check();
}

RULE(MRT_03, each_joins_the_other) {
  NEEDS(foreign_registration);
  Neighbour other{[this] { return make(); }};
  other.drive();
  IRuntime& rt = runtime();
  Places places;
  auto theirs = other.runtime().spawn(join_many(other.runtime(), rt, places));
  rt.block_on([&]() -> Task<> {
    co_await join_many(rt, other.runtime(), places);
    co_await theirs;
  }());
  places.check();
}

/// An unfinished task that is confined can be waited for elsewhere, but not awaited. A runtime of one thread may have shared ones.
RULE(MRT_03, results_of_the_other) {
  Neighbour other{[this] { return make(); }};
  other.drive();
  IRuntime& rt = runtime();
  Places places;
  rt.block_on([&]() -> Task<> {
    EXPECT_EQ(other.runtime().spawn(twice_on(other.runtime(), places, 21)).wait(), 42u);
    AutoResetEvent may_end;
    auto task = other.runtime().spawn([](AutoResetEvent& event) -> Task<unsigned> {
      co_await event.wait();
      co_return 44;
    }(may_end));
    const bool may_await = other.runtime().executor().kind() == TaskKind::shared;
    if (may_await) may_end.set();
    std::string refused;
    try {
      EXPECT_EQ(co_await task, 44u);
    } catch (const UsageError& error) {
      refused = error.what();
    }
    EXPECT_EQ(refused.empty(), may_await);
    if (refused.empty()) co_return;
    EXPECT_THAT(refused, HasSubstr("wait() works from others"));
    may_end.set();
    EXPECT_EQ(task.wait(), 44u);
  }());
  places.check();
}

}  // namespace reactorlab::conformance
