// FLT: the reactor's wait fails for good.

#include "core/deadline_timer.hpp"
#include "core/event.hpp"
#include "core/process_end.hpp"
#include "harness/conformance/foreign.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/tasks.hpp"
#include "harness/conformance/timers.hpp"

namespace reactorlab::conformance {
namespace {

using namespace std::chrono_literals;

/// Once it has begun, a wait can't succeed any more, and each attempt is counted.
class FailingWait {
 public:
  FailingWait(Script& script, int error) : script_{script}, error_{error} {
    script.on(sys::Op::epoll_wait, Script::any_fd, [this](sys::Call&) { return attempt(); });
  }
  void begin(int epoll) {
    failing_ = true;
    script_.end_wait(epoll);  // the one that is under way
  }
  unsigned attempts() const noexcept { return attempts_; }

 private:
  static constexpr unsigned many = 1'000;

  std::optional<long> attempt() {
    if (!failing_) return std::nullopt;
    if (++attempts_ < many) return -error_;
    if (attempts_ == many) {
      ADD_FAILURE() << "a wait that can't succeed is repeated and repeated";
    }
    return std::nullopt;
  }

  Script& script_;
  const int error_;
  std::atomic<bool> failing_{false};
  std::atomic<unsigned> attempts_{0};
};

Task<IoResult> edge_of(AsyncFd& handle) { co_return co_await next_edge<Direction::read>(handle); }
Task<IoResult> sleeps(IRuntime& rt, TimePoint deadline) { co_return co_await sleep_until(rt, deadline); }
Task<IoResult> sleeps_on(DeadlineTimer& timer) { co_return co_await timer.wait(); }
Task<IoResult> reads_in_time(IRuntime& rt, AsyncFd& handle) { co_return co_await timeout(rt, 1h, handle.readable()); }

}  // namespace

// --- FLT-06 -------------------------------------------------------------------------------------------------------------------

RULE(FLT_06, everybody_is_told) {
  constexpr std::size_t of_each_kind = 20;
  use_virtual_time();  // so that a wait that is repeated after all leaves nothing that could happen
  for (const int error : {EBADF, EINVAL, EFAULT}) {
    std::optional<FailingWait> wait;
    Script script;
    wait.emplace(script, error);
    IRuntime& rt = runtime();
    rt.block_on([&]() -> Task<> {
      const IoResult told{-ESHUTDOWN};
      std::vector<Pair> pairs;
      std::vector<AsyncFd> handles;
      for (std::size_t i = 0; i < of_each_kind; ++i) {
        pairs.push_back(socket_pair());
        handles.push_back(AsyncFd::borrow(rt, pairs.back().ours.get()));
      }
      DeadlineTimer timer{rt, clock::now() + 1h};
      std::vector<JoinHandle<IoResult>> waiting;
      for (std::size_t i = 0; i < of_each_kind; ++i) {
        waiting.push_back(rt.spawn(edge_of(handles[i])));
        waiting.push_back(rt.spawn(edge_of(handles[0])));  // one more behind the first
        waiting.push_back(rt.spawn(sleeps(rt, clock::now() + 1h)));
        waiting.push_back(rt.spawn(sleeps(rt, TimePoint::never)));
        waiting.push_back(rt.spawn(reads_in_time(rt, handles[i])));
      }
      waiting.push_back(rt.spawn(sleeps_on(timer)));
      co_await waiters_are(rt, 3 * of_each_kind);
      co_await timers_are(rt, 3 * of_each_kind + 1);
      wait->begin(script.epoll_of(pairs[0].ours.get()));
      for (auto& one : waiting) EXPECT_EQ(co_await one, told);

      // And so is everybody after them.
      EXPECT_EQ(co_await edge_of(handles[0]), told);
      EXPECT_EQ(co_await sleeps(rt, clock::now() + 1h), told);
      EXPECT_EQ(co_await sleeps_on(timer), told);
      Pair late = socket_pair();
      EXPECT_THROW((void)AsyncFd::borrow(rt, late.ours.get()), std::system_error);

      // Tasks need no reactor, and neither do other threads' wakes.
      constexpr unsigned rounds = 10;
      for (unsigned n = 0; n < rounds; ++n) {
        AutoResetEvent event;
        std::thread other{[&] { event.set(); }};
        co_await event.wait();
        other.join();
        co_await yield();
      }
      const RuntimeStats now = rt.stats();
      EXPECT_EQ(now.waiters, 0u);
      EXPECT_EQ(now.pending_timers, 0u);
    }());
    // Once where the role of who waits is given up then; where it can't be, once for each time that its thread has nothing to do.
    EXPECT_LE(wait->attempts(), confined() ? 100u : 1u);
    end_runtime();
    simulate_end_of_process();  // oncelock_global: its reactor stays as it is for as long as the process lives
  }
}

RULE(FLT_06, the_end_comes_as_ever) {
  std::atomic<unsigned> ends{0};
  std::optional<FailingWait> wait;
  Script script;
  wait.emplace(script, EBADF);
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  auto forever = rt.spawn([](Witness) -> Task<> { co_await Forever{}; }(Witness{ends}));
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    auto reader = rt.spawn(edge_of(handle));
    co_await waiters_are(rt, 1);
    wait->begin(script.epoll_of(pair.ours.get()));
    EXPECT_EQ(co_await reader, IoResult{-ESHUTDOWN});
  }());
  rt.shutdown(10ms);  // a task is left, so this is waited for
  EXPECT_EQ(ends, 1u);
  EXPECT_THROW(forever.wait(), TaskCancelled);
}

}  // namespace reactorlab::conformance
