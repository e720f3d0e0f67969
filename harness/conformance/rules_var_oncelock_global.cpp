// VAR-OG: what only oncelock_global can get wrong. Between two bodies the kit ends "the process", so each begins without a reactor.

#include <gmock/gmock.h>

#include <array>
#include <barrier>

#include "core/process_end.hpp"
#include "harness/conformance/foreign.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr const char* home = "oncelock_global";

/// A byte there and back, over a connection of that runtime.
void expect_echo(IRuntime& rt) {
  Pair pair = tcp_pair();
  put(pair.peer.get(), "x");
  ::shutdown(pair.peer.get(), SHUT_WR);
  rt.block_on([](IRuntime& runtime, Fd fd) -> Task<> {
    auto stream = stream_over(runtime, std::move(fd));
    std::array<std::byte, 1> byte{};
    EXPECT_EQ(co_await stream.read(byte), IoResult{1});
    EXPECT_TRUE(co_await stream.write_all(byte));
    EXPECT_EQ(co_await stream.read(byte), IoResult{0});
  }(rt, std::move(pair.ours)));
  EXPECT_EQ(take(pair.peer.get(), 1), "x");
}

}  // namespace

// --- VAR-OG-01 ----------------------------------------------------------------------------------------------------------------

RULE(VAR_OG_01, sixteen_first_users) {
  constexpr unsigned users = 16;
  Script script{sys::Op::epoll_create1, sys::Op::eventfd};
  const std::size_t threads_before = ProcessState::now().threads;
  std::barrier at_once{users};
  std::barrier all_there{users + 1}, counted{users + 1};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < users; ++i) {
    threads.emplace_back([&] {
      at_once.arrive_and_wait();
      auto rt = make();
      expect_echo(*rt);
      all_there.arrive_and_wait();
      counted.arrive_and_wait();
    });
  }
  all_there.arrive_and_wait();
  const std::size_t helpers = ProcessState::now().threads - threads_before - users - users * workers();
  counted.arrive_and_wait();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(script.log_of(sys::Op::epoll_create1).size(), 1u);
  EXPECT_EQ(script.log_of(sys::Op::eventfd).size(), 1u);
  EXPECT_EQ(helpers, 1u) << "the fallback driver";
}

// --- VAR-OG-02 ----------------------------------------------------------------------------------------------------------------

/// Each of the calls that make a reactor fails once, while seven others wait for it to be made.
RULE(VAR_OG_02, failed_first_initialisation) {
  for (const sys::Op failing : {sys::Op::epoll_create1, sys::Op::eventfd, sys::Op::epoll_ctl}) {
    constexpr unsigned users = 8;
    const ProcessState before = ProcessState::now();
    std::atomic<unsigned> refused{0};
    std::vector<std::unique_ptr<IRuntime>> made(users);
    {
      Script script;
      script.fail(failing, Script::any_fd, EMFILE);
      std::barrier at_once{users};
      std::vector<std::thread> threads;
      for (auto& mine : made) {
        threads.emplace_back([&] {
          at_once.arrive_and_wait();
          try {
            mine = make();
          } catch (const std::system_error& error) {
            EXPECT_EQ(error.code().value(), EMFILE) << error.what();
            refused.fetch_add(1);
          }
          if (mine) expect_echo(*mine);
        });
      }
      for (auto& thread : threads) thread.join();
    }
    EXPECT_EQ(refused, 1u);
    made.clear();
    auto later = make();
    expect_echo(*later);
    later.reset();
    simulate_end_of_process();
    EXPECT_EQ(ProcessState::settled_like(before).descriptors, before.descriptors);
  }
}

// --- VAR-OG-03 ----------------------------------------------------------------------------------------------------------------

/// 100 tasks of each runtime wait for I/O and for time; besides, 100 of the second wait on handles of the first.
RULE(VAR_OG_03, a_runtime_ends_alone) {
  constexpr std::size_t count = 100;
  VirtualClock& time = use_virtual_time();
  auto first = make();
  auto second = make();
  std::vector<Pair> firsts, seconds;
  std::vector<AsyncFd> first_handles, second_handles;
  for (std::size_t i = 0; i < count; ++i) {
    firsts.push_back(socket_pair());
    seconds.push_back(socket_pair());
    first_handles.push_back(AsyncFd::borrow(*first, firsts.back().ours.get()));
    second_handles.push_back(AsyncFd::borrow(*second, seconds.back().ours.get()));
  }
  const auto edge_of = [](AsyncFd& handle) -> Task<IoResult> { co_return co_await next_edge<Direction::read>(handle); };
  const auto nap_on = [](IRuntime& rt) -> Task<IoResult> { co_return co_await sleep(rt, 1h); };
  std::vector<JoinHandle<IoResult>> ended, own, naps;
  for (std::size_t i = 0; i < count; ++i) {
    first->spawn(edge_of(first_handles[i])).detach();
    first->spawn(nap_on(*first)).detach();
    ended.push_back(second->spawn(edge_of(first_handles[i])));
    own.push_back(second->spawn(edge_of(second_handles[i])));
    naps.push_back(second->spawn(nap_on(*second)));
  }
  const auto all_wait = [&] {
    const RuntimeStats now = second->stats();
    return now.waiters == 3 * count && now.pending_timers == 2 * count;
  };
  while (!all_wait()) std::this_thread::yield();

  first.reset();
  for (auto& join : ended) EXPECT_EQ(join.wait(), IoResult{-ESHUTDOWN});
  RuntimeStats now = second->stats();
  EXPECT_EQ(now.waiters, count);
  EXPECT_EQ(now.pending_timers, count);
  EXPECT_EQ(second->block_on(edge_of(first_handles[0])), IoResult{-ESHUTDOWN});

  for (Pair& pair : seconds) put(pair.peer.get(), "x");
  for (auto& join : own) EXPECT_EQ(join.wait(), IoResult{0});
  time.advance(2h);
  for (auto& join : naps) EXPECT_EQ(join.wait(), IoResult{0});
  expect_echo(*second);
  first_handles.clear();
  second_handles.clear();
  now = second->stats();
  EXPECT_EQ(now.registrations, 0u);
  EXPECT_EQ(now.waiters, 0u);
}

// --- VAR-OG-04 ----------------------------------------------------------------------------------------------------------------

namespace {

/// Keeps a worker of that runtime in one task until it is told.
class BlockedWorker {
 public:
  explicit BlockedWorker(IRuntime& rt)
      : task_{rt.spawn([](BlockedWorker& self) -> Task<> {
          self.blocked_.add();
          self.released_.wait(false);
          co_return;
        }(*this))} {
    blocked_.wait_for(1);
  }
  ~BlockedWorker() {
    released_ = true;
    released_.notify_all();
    task_.wait();
  }

 private:
  Count blocked_;
  std::atomic<bool> released_{false};
  JoinHandle<void> task_;
};

std::unique_ptr<IRuntime> make_with_one_worker(const Configuration& configuration) {
  RuntimeOptions options = configuration.options;
  options.workers = 1;
  return make_runtime(home, options);
}

}  // namespace

/// The worker that drives gets a task that blocks, when the worker of the other runtime has parked.
RULE(VAR_OG_04, the_driver_is_busy) {
  auto first = make_with_one_worker(configuration());
  while (!all_others_sleep()) std::this_thread::yield();  // its worker has taken the role
  auto second = make_with_one_worker(configuration());
  for (int round = 0; round < 5; ++round) {
    Pair pair = socket_pair();
    auto serving = second->spawn([](IRuntime& rt, int fd) -> Task<> {
      auto handle = AsyncFd::borrow(rt, fd);
      EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
      EXPECT_EQ(co_await sleep(rt, 1ms), IoResult{0});
    }(*second, pair.ours.get()));
    while (second->stats().waiters != 1 || !all_others_sleep()) std::this_thread::yield();
    const BlockedWorker blocked{*first};
    put(pair.peer.get(), "x");
    serving.wait();
  }
}

/// Whoever waits has no worker of this home at all: a task of a confined runtime with a handle from here.
RULE(VAR_OG_04, all_workers_are_busy) {
  auto busy = make_with_one_worker(configuration());
  auto confined = make_runtime("thread_local");
  Pair pair = socket_pair();
  auto handle = AsyncFd::borrow(*busy, pair.ours.get());
  const BlockedWorker blocked{*busy};
  for (int round = 0; round < 5; ++round) {
    put(pair.peer.get(), "x");
    confined->block_on([&]() -> Task<> { EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0}); }());
  }
}

/// One runtime always has a task to run; the other one's connection is served beside it.
RULE(VAR_OG_04, a_long_run_hogs_nothing) {
  auto first = make_with_one_worker(configuration());
  auto second = make_with_one_worker(configuration());
  std::atomic<bool> over{false};
  std::thread hogging{[&] {
    first->block_on([&]() -> Task<> {
      while (!over) co_await yield();
    }());
  }};
  for (int round = 0; round < 100; ++round) expect_echo(*second);
  second->block_on([](IRuntime& rt) -> Task<> { EXPECT_EQ(co_await sleep(rt, 1ms), IoResult{0}); }(*second));
  over = true;
  hogging.join();
}

// --- VAR-OG-06 ----------------------------------------------------------------------------------------------------------------

RULE(VAR_OG_06, other_options_are_refused) {
  RuntimeOptions other = configuration().options;
  other.locking = other.locking == Locking::coarse ? Locking::fine : Locking::coarse;
  const auto make_other = [&] { (void)make_runtime(home, other); };
  const auto refused = ThrowsMessage<UsageError>(HasSubstr("remedy"));
  auto first = make();
  EXPECT_THAT(make_other, refused);
  on_another_thread([&] { EXPECT_THAT(make_other, refused); });
  expect_echo(*first);
  first.reset();
  EXPECT_THAT(make_other, refused) << "the reactor lives as long as the process";
  auto more_workers = configuration().options;
  ++more_workers.workers;
  expect_echo(*make_runtime(home, more_workers));
}

}  // namespace reactorlab::conformance
