// The kit's tools do what its README says; a rule that uses a broken tool would prove nothing.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <thread>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/probe_task.hpp"
#include "harness/conformance/selection.hpp"

namespace reactorlab::conformance {
namespace {

using ::testing::ElementsAre;

const std::vector<RuntimeOptions> shapes{{.workers = 1, .locking = Locking::coarse}, {.workers = 2, .locking = Locking::fine}};

TEST(Script, FailsTheCallsItWasToldToAndNoOthers) {
  Pair pair = socket_pair();
  put(pair.peer.get(), "abc");
  Script script;
  script.fail(sys::Op::recv, pair.ours.get(), ECONNRESET, 2, 2);
  char c;
  std::vector<long> results;
  for (int i = 0; i < 5; ++i) results.push_back(sys::recv(pair.ours.get(), &c, 1));
  EXPECT_THAT(results, ElementsAre(1, -ECONNRESET, -ECONNRESET, 1, 1));
  EXPECT_EQ(sys::recv(pair.ours.get(), &c, 1), -EAGAIN);
}

TEST(Script, LimitsTransfers) {
  Pair pair = socket_pair();
  Script script;
  script.limit(sys::Op::send, pair.ours.get(), 3);
  EXPECT_EQ(sys::send(pair.ours.get(), "abcdef", 6), 3);
  EXPECT_EQ(take(pair.peer.get(), 3), "abc");
}

TEST(Script, LogsInOrderAndCallsRules) {
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  Script script{sys::Op::send, sys::Op::shutdown};
  int asked = 0;
  script.on(sys::Op::send, Script::any_fd, [&](sys::Call&) {
    ++asked;
    return std::optional<long>{};
  });
  (void)sys::send(fd, "a", 1);
  (void)sys::fcntl(fd, F_GETFL);
  (void)sys::shutdown(fd, SHUT_WR);
  const auto log = script.log();
  ASSERT_EQ(log.size(), 2u);
  EXPECT_EQ(log[0].op, sys::Op::send);
  EXPECT_EQ(log[0].result, 1);
  EXPECT_EQ(log[0].thread, std::this_thread::get_id());
  EXPECT_EQ(log[1].op, sys::Op::shutdown);
  EXPECT_EQ(asked, 1);
}

TEST(Script, TellsTokensAndInjectsIntoAWaitUnderWay) {
  for (const RuntimeOptions& shape : shapes) {
    Script script{sys::Op::epoll_wait};
    const auto rt = make_runtime("arc_mutex", shape);
    Pair pair = socket_pair();
    SyncPoints points;
    auto handle = AsyncFd::borrow(*rt, pair.ours.get());
    auto waiting = [&]() -> Task<IoResult> { co_return co_await next_edge<Direction::read>(handle); };
    auto join = rt->spawn(waiting());
    points.wait_for_arrivals(SyncPoint::io_parked, 1);
    script.inject_edge(pair.ours.get(), EPOLLIN);
    EXPECT_EQ(join.wait(), IoResult{0});
    EXPECT_TRUE(script.all_taken());
    bool reported = false;
    for (const LoggedCall& wait : script.log_of(sys::Op::epoll_wait)) {
      for (const Event& event : wait.events) reported |= event.token == script.token_of(pair.ours.get());
    }
    EXPECT_TRUE(reported);
  }
}

TEST(Script, PutsInjectedEventsBeforeRealOnes) {
  Script script{sys::Op::epoll_wait};
  const auto rt = make_runtime("thread_local");
  Pair real = socket_pair(), fake = socket_pair();
  rt->block_on([&]() -> Task<> {
    auto a = AsyncFd::borrow(*rt, real.ours.get());
    auto b = AsyncFd::borrow(*rt, fake.ours.get());
    put(real.peer.get(), "x");
    script.inject_edge(fake.ours.get(), EPOLLIN, false);
    EXPECT_EQ(co_await next_edge<Direction::read>(a), IoResult{0});
    EXPECT_EQ(co_await next_edge<Direction::read>(b), IoResult{0});
  }());
  const auto waits = script.log_of(sys::Op::epoll_wait);
  ASSERT_EQ(waits.size(), 1u);
  ASSERT_EQ(waits[0].events.size(), 2u);
  EXPECT_EQ(Token{waits[0].events[0].token}, script.token_of(fake.ours.get()));
  EXPECT_EQ(Token{waits[0].events[1].token}, script.token_of(real.ours.get()));
}

TEST(Script, MayEndWhileTheRuntimeWaits) {
  for (const RuntimeOptions& shape : shapes) {
    auto script = std::make_unique<Script>();
    SyncPoints points;
    const auto rt = make_runtime("arc_mutex", shape);
    points.wait_for_arrivals(SyncPoint::poll_before_block, 1);
    script.reset();
    EXPECT_EQ(rt->block_on([]() -> Task<int> { co_return 7; }()), 7);
  }
}

TEST(Script, RefusesToComeAfterTheWaitHasBegun) {
  KernelTap::instance();
  SyncPoints points;
  const auto rt = make_runtime("arc_mutex");
  points.wait_for_arrivals(SyncPoint::poll_before_block, 1);
  const auto waits = [] {
    try {
      Script script;
      return false;
    } catch (const std::logic_error&) {
      return true;
    }
  };
  while (!waits()) std::this_thread::yield();  // the worker is between its sync point and the kernel
}

TEST(VirtualClock, MovesOnlyWhenTold) {
  VirtualClock time;
  const auto rt = make_runtime("arc_mutex");
  std::atomic<bool> slept{false};
  auto sleeper = [&]() -> Task<> {
    (void)co_await sleep(*rt, std::chrono::hours{1});
    slept = true;
  };
  auto join = rt->spawn(sleeper());
  while (rt->stats().pending_timers == 0) std::this_thread::yield();
  time.advance(std::chrono::minutes{59});
  EXPECT_EQ(rt->block_on([]() -> Task<int> { co_return 1; }()), 1);
  EXPECT_FALSE(slept);
  time.advance(std::chrono::minutes{2});
  join.wait();
  EXPECT_TRUE(slept);
}

TEST(VirtualClock, JumpsWhenAutomatic) {
  VirtualClock time{VirtualClock::Mode::automatic};
  const TimePoint start = time.now();
  const auto rt = make_runtime("thread_local");
  rt->block_on([&]() -> Task<> { (void)co_await sleep(*rt, std::chrono::hours{24}); }());
  EXPECT_GE(time.now(), start + std::chrono::hours{24});
}

TEST(SyncPoints, HoldsTheNthArrivalUntilReleased) {
  SyncPoints points;
  std::atomic<int> passed{0};
  points.hold(SyncPoint::io_parked, 2);
  std::thread walker{[&] {
    for (int i = 0; i < 3; ++i) {
      sync_point(SyncPoint::io_parked);
      ++passed;
    }
  }};
  points.wait_until_reached(SyncPoint::io_parked);
  EXPECT_EQ(passed, 1);
  points.release(SyncPoint::io_parked);
  points.wait_for_arrivals(SyncPoint::io_parked, 3);
  walker.join();
  EXPECT_EQ(passed, 3);
}

TEST(SyncPoints, RunsCodeThere) {
  SyncPoints points;
  std::thread::id where;
  points.at(SyncPoint::poll_returned, [&] { where = std::this_thread::get_id(); });
  sync_point(SyncPoint::poll_returned);
  EXPECT_EQ(where, std::this_thread::get_id());
  EXPECT_EQ(points.arrivals(SyncPoint::poll_returned), 1u);
}

TEST(SyncPoints, LetsHeldThreadsGoInTheEnd) {
  std::thread walker;
  {
    SyncPoints points;
    points.hold(SyncPoint::io_parked);
    walker = std::thread{[] { sync_point(SyncPoint::io_parked); }};
    points.wait_until_reached(SyncPoint::io_parked);
  }
  walker.join();
}

TEST(ProbeTask, CountsItsPollsAndParksLikeAnOperation) {
  for (const std::string_view name : runtime_names()) {
    const auto rt = make_runtime(name);
    Pair pair = socket_pair();
    rt->block_on([&]() -> Task<> {
      auto handle = AsyncFd::borrow(*rt, pair.ours.get());
      Armed armed{};
      ProbeTask probe{*rt, [&](ProbeTask::Poll& poll) { armed = poll.arm<Direction::read>(handle); },
                      [](ProbeTask::Poll& poll) { poll.finish(); }};
      while (!probe.started()) co_await yield();
      EXPECT_EQ(armed, Armed::parked);
      EXPECT_EQ(probe.polls(), 0u);
      put(pair.peer.get(), "x");
      co_await probe.join();
      EXPECT_EQ(probe.polls(), 1u);
    }());
  }
}

TEST(Turn, TakesAndDispatchesWhatIsReady) {
  for (const std::string_view name : runtime_names()) {
    Script script;
    SyncPoints points;
    const auto rt = make_runtime(name, configurations_of(name, Backend::epoll).back().options);
    Pair pair = socket_pair();
    const int fd = pair.ours.get();
    bool remembered = false, turned = false;
    rt->block_on([&]() -> Task<> {
      auto handle = AsyncFd::borrow(*rt, fd);
      points.at(SyncPoint::io_after_would_block, [&] {
        put(pair.peer.get(), "x");
        turned = let_a_turn_happen(*rt, script, script.epoll_of(fd));
        remembered = handle.slot().word(Direction::read).load() & readiness::ready;
      });
      std::byte byte;
      EXPECT_EQ(co_await handle.read({&byte, 1}), IoResult{1});
    }());
    EXPECT_TRUE(turned && remembered) << name;
  }
}

TEST(BlackBox, NoSeamOfAStrangerIsUsed) {
  seams_available = false;
  EXPECT_THROW(Script{}, SeamNeeded);
  EXPECT_THROW(SyncPoints{}, SeamNeeded);
  EXPECT_THROW(VirtualClock{}, SeamNeeded);
  seams_available = true;
  Script{};
  SyncPoints{};
  VirtualClock{};
}

TEST(QuiescenceDeathTest, EndsAProcessInWhichNothingCanHappen) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto hang = [] {
    KernelTap::instance();
    Quiescence::start({std::chrono::milliseconds{100}, std::chrono::milliseconds{60'000}});
    Quiescence::body_began("a body");
    make_runtime("thread_local")->block_on([]() -> Task<> {
      AutoResetEvent never;
      co_await never.wait();
    }());
  };
  EXPECT_EXIT(hang(), ::testing::ExitedWithCode(exit_hung), "a body: nothing can happen any more");
}

TEST(QuiescenceDeathTest, EndsAProcessThatSpins) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto spin = [] {
    Quiescence::start({std::chrono::milliseconds{60'000}, std::chrono::milliseconds{100}});
    Quiescence::body_began("a body");
    for (;;) KernelTap::instance().ring();
  };
  EXPECT_EXIT(spin(), ::testing::ExitedWithCode(exit_hung), "a body: it runs on and on");
}

TEST(ProcessState, KnowsAFileByAnyName) {
  const std::string name = testing::TempDir() + "known-by-any-name-" + std::to_string(::getpid());
  const UniqueFd file{::open(name.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)};
  const UniqueFd other{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  const ProcessState before = ProcessState::now();
  ASSERT_TRUE(before.descriptors.contains(file.get()));
  EXPECT_NE(before.descriptors.at(file.get()), before.descriptors.at(other.get()));
  ASSERT_EQ(::unlink(name.c_str()), 0);
  EXPECT_EQ(ProcessState::now().descriptors, before.descriptors);
}

TEST(Selection, KnowsWhoseRuleItIs) {
  EXPECT_TRUE(applies("REG_01", "thread_local"));
  EXPECT_TRUE(applies("VAR_TL_01", "thread_local"));
  EXPECT_FALSE(applies("VAR_TL_01", "arc_mutex"));
  EXPECT_EQ(configurations_of("arc_mutex", Backend::epoll).size(), 4u);
  EXPECT_EQ(configurations_of("thread_local", Backend::epoll).size(), 1u);
  EXPECT_THROW((void)configurations_of("nobody", Backend::epoll), UsageError);
}

}  // namespace
}  // namespace reactorlab::conformance
