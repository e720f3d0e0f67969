// TMR: timers. Time-outs, and the clock that they go by.

#include <atomic>
#include <chrono>

#include "core/executor.hpp"
#include "harness/conformance/fairness.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/timers.hpp"
#include "harness/conformance/wall_clock.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

// --- TMR-18 -------------------------------------------------------------------------------------------------------------------

namespace {

/// The test's own look at CLOCK_MONOTONIC.
TimePoint monotonic_now() {
  const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
  return TimePoint{static_cast<std::uint64_t>(std::chrono::nanoseconds{since_boot}.count())};
}

}  // namespace

BOTH_FORMS_RULE(TMR_18, wall_clock_jumps) {
  WallClock wall;
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    for (const auto jump : {24h, -48h, 24h}) {
      const TimePoint deadline = monotonic_now() + 5ms;
      auto sleeper = rt.spawn(sleeping_until(rt, deadline));
      co_await yield();
      wall.jump(jump);
      (void)co_await sleeper;
      EXPECT_GE(monotonic_now(), deadline);
    }
  }());
  end_runtime();
  EXPECT_EQ(wall.reads(), 0u);
}

// --- TMR-20 -------------------------------------------------------------------------------------------------------------------

/// The wait that the limit would end returns with a byte, and with the limit over.
BOTH_FORMS_RULE(TMR_20, both_due_in_one_turn) {
  VirtualClock& time = use_virtual_time();
  Pair pair = socket_pair();
  std::atomic<bool> sent{false};
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call& call) -> std::optional<long> {
    if (call.extra <= 0 || sent.exchange(true)) return std::nullopt;
    put(pair.peer.get(), "x");
    time.advance(std::chrono::milliseconds{call.extra});
    return std::nullopt;
  });
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    std::byte byte[1];
    const IoResult result = co_await timeout(rt, 20ms, stream.read(byte));
    if (!kernel_knows_descriptors() && !confined() && !result) {
      EXPECT_EQ(result, IoResult{-ETIME});  // it is completed by the thread that requested it, which may be a moment later
      EXPECT_EQ(co_await stream.read(byte), IoResult{1}) << "but isn't lost";
    } else {
      EXPECT_EQ(result, IoResult{1});
    }
    EXPECT_EQ(rt.stats().pending_timers, 0u);
  }());
}

BOTH_FORMS_RULE(TMR_20, expired) {
  VirtualClock& time = use_virtual_time();
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call& call) -> std::optional<long> {
    if (call.extra > 0) time.advance(std::chrono::milliseconds{call.extra});
    return std::nullopt;
  });
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release()).take();
    std::byte byte[1];
    for (int i = 0; i < 10; ++i) {
      const TimePoint start = clock::now();
      EXPECT_EQ(co_await timeout(rt, 20ms, stream.read(byte)), IoResult{-ETIME});
      EXPECT_GE(clock::now() - start, 20ms);
      EXPECT_EQ(rt.stats().waiters, 0u) << "the operation is still parked";
      EXPECT_EQ(rt.stats().pending_timers, 0u);
    }
    put(pair.peer.get(), "x");
    EXPECT_EQ(co_await stream.read(byte), IoResult{1});
  }());
}

namespace {

/// A task whose every operation completes at once, each in a tenth of a (virtual) millisecond.
Task<> read_without_end(IRuntime& rt, VirtualClock& time, std::atomic<std::uint64_t>& operations, std::uint64_t most) {
  auto source = AsyncFd::own(rt, ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE));
  const std::uint64_t plenty = std::uint64_t{1} << 62;
  checked(::write(source.fd(), &plenty, sizeof plenty), "write");
  std::uint64_t one;
  while (operations.fetch_add(1) < most) {
    EXPECT_EQ(co_await source.read(std::as_writable_bytes(std::span{&one, 1})), IoResult{sizeof one});
    time.advance(100us);
  }
}

}  // namespace

RULE(TMR_20, operations_that_never_wait) {
  constexpr std::uint64_t bound = 500 + operations_per_edge;  // the limit comes after 500 of them
  VirtualClock& time = use_virtual_time();
  IRuntime& rt = runtime();
  std::atomic<std::uint64_t> operations{0};
  rt.block_on([&]() -> Task<> {
    EXPECT_FALSE(co_await timeout(rt, 50ms, read_without_end(rt, time, operations, 100 * bound)));
    EXPECT_EQ(rt.stats().pending_timers, 0u);
  }());
  EXPECT_GE(operations, 500u);
  if (one_thread_does_all()) {
    EXPECT_LE(operations, bound);
  }  // elsewhere another thread may have the turn
}

}  // namespace reactorlab::conformance
