// WBL: system calls follow events, not time.

#include <algorithm>
#include <atomic>
#include <thread>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/passage.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

// --- WBL-05 -------------------------------------------------------------------------------------------------------------------

namespace {

/// Shows the limit of the wait in which a runtime sits, or that it enters, when it has nothing left to do, and ends that wait.
class IdleWait {
 public:
  IdleWait() {
    script_.on(sys::Op::epoll_wait, Script::any_fd, [this](sys::Call& call) -> std::optional<long> {
      if (!watching_ || (call.extra == 0 && ++polls_ < polls_of_a_busy_loop)) return std::nullopt;
      watching_ = false;
      limit_ = call.extra;
      begun_.set();
      return 0;
    });
  }

  Script& script() noexcept { return script_; }

  /// co_await: the limit in ms, -1 for none; 0 if the runtime asks again and again without waiting.
  Task<long> limit(int epoll) {
    watching_ = true;
    script_.end_wait(epoll);  // another worker may have been in it since long: then it is shown now
    co_await begun_.wait();
    co_return limit_;
  }

 private:
  static constexpr int polls_of_a_busy_loop = 100;
  std::atomic<bool> watching_{false};
  std::atomic<int> polls_{0};
  std::atomic<long> limit_{0};
  AutoResetEvent begun_;
  Script script_{sys::Op::recv};  // goes first: the runtime outlives us, and its waits still come here until then
};

}  // namespace

BOTH_FORMS_RULE(WBL_05, scripted) {
  IdleWait idle;
  Script& script = idle.script();
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    auto reading = [&]() -> Task<IoResult> {
      std::byte buffer[64];
      IoResult result;
      do result = co_await stream.read(buffer);
      while (result.value() > 0);
      co_return result;
    };
    Passage parked{points, SyncPoint::io_parked};
    parked.watch();
    auto reader = rt.spawn(reading());
    co_await parked.seen();
    script.clear_log();
    parked.watch();
    put(pair.peer.get(), "one event");
    co_await parked.seen();
    EXPECT_EQ(co_await idle.limit(script.epoll_of(fd)), -1);
    EXPECT_LE(script.count(sys::Op::recv, fd), 2u);
    pair.peer.close();
    EXPECT_EQ(co_await reader, IoResult{0});
  }());
}

BOTH_FORMS_RULE(WBL_05, waits_for_the_next_timer) {
  VirtualClock& time = use_virtual_time();
  std::vector<long> limits;
  int polls = 0;
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call& call) -> std::optional<long> {
    if (call.extra > 0) limits.push_back(call.extra);
    if (call.extra > 0 || ++polls == 1'000) time.advance(210ms);
    return std::nullopt;
  });
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> { (void)co_await sleep(rt, 200ms); }());
  end_runtime();
  ASSERT_EQ(limits.size(), 1u);
  EXPECT_GE(limits[0], 200);
  EXPECT_LE(limits[0], 202);  // rounded up to a tick and to milliseconds
}

/// Time moves only while nothing is ready: a runtime that turns for the byte would never get to the end of the sleep.
BOTH_FORMS_RULE(WBL_05, real) {
  VirtualClock& time = use_virtual_time(VirtualClock::Mode::automatic);
  std::atomic<int> waits{0};
  Script script{sys::Op::epoll_wait};
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call&) -> std::optional<long> {
    if (++waits == 1'000) time.advance(std::chrono::hours{1});  // enough of it; the counts below tell
    return std::nullopt;
  });
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    const Token token = script.token_of(pair.ours.get());
    // Now no turn is under way, and no kick: block_on sends one, and its wait for the result another.
    while (!all_others_sleep()) std::this_thread::yield();
    const RuntimeStats before = rt.stats();
    put(pair.peer.get(), "nobody reads it");
    (void)co_await sleep(rt, 10s);
    const RuntimeStats after = rt.stats();
    // Turns that were traced over 840 runs with two workers, on a loaded machine: one for the byte, one for the timer, one per
    // kick. Where the thread that takes the timer's turn isn't the only driver, one more can come between that turn and our
    // reading: an idle worker takes the role, finds us in the queue when it looks again, and so doesn't wait.
    const unsigned late_looks = workers() > 1 || configuration().variant == "oncelock_global" ? 1 : 0;
    EXPECT_LE(after.turns - before.turns, 2 + late_looks + after.kicks - before.kicks);
    std::size_t reports = 0;
    for (const LoggedCall& wait : script.log_of(sys::Op::epoll_wait)) {
      reports +=
          static_cast<std::size_t>(std::ranges::count_if(wait.events, [&](const Event& event) { return event.token == token; }));
    }
    EXPECT_LE(reports, 1u);
  }());
}

}  // namespace reactorlab::conformance
