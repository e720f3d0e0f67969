// XTH: what a wake costs and what it carries.

#include <array>
#include <thread>

#include "harness/conformance/foreign.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/next_wait.hpp"
#include "harness/conformance/probe_task.hpp"

namespace reactorlab::conformance {
namespace {

#if REACTORLAB_SANITIZED
constexpr unsigned scale = 10;
#else
constexpr unsigned scale = 1;
#endif

Task<> all_started(std::span<const std::unique_ptr<ProbeTask>> probes) {
  for (const auto& probe : probes) {
    while (!probe->started()) co_await yield();
  }
}

}  // namespace

// --- XTH-04 -------------------------------------------------------------------------------------------------------------------

/// A hundred tasks are woken one by one while the driver stands before its wait.
BOTH_FORMS_RULE(XTH_04, one_kick_for_many) {
  std::uint64_t kicks_before = 0, kicks_after = 0;
  std::vector<std::unique_ptr<ProbeTask>> probes;
  Script script;
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    auto registered = BasicAsyncFd<Rt>::own(rt, event_fd().release());
    for (int i = 0; i < 100; ++i) {
      probes.push_back(std::make_unique<ProbeTask>(rt, ProbeTask::Code{}, [](ProbeTask::Poll& poll) { poll.finish(); }));
    }
    co_await all_started(probes);
    before_the_next_wait(script, points, script.epoll_of(registered.fd()), SyncPoint::poll_before_block, [&] {
      kicks_before = rt.stats().kicks;
      std::vector<Waker> wakers;
      for (const auto& probe : probes) wakers.push_back(probe->waker());
      on_another_thread([&] {
        for (const Waker waker : wakers) waker.wake();
      });
      kicks_after = rt.stats().kicks;
    });
    for (const auto& probe : probes) co_await probe->join();
  }());
  end_runtime();
  EXPECT_LE(kicks_after - kicks_before, 1u);
}

BOTH_FORMS_RULE(XTH_04, storm) {
  constexpr unsigned threads = 8, wakes = 100'000 / scale;
  std::array<std::atomic<unsigned>, threads> written{};
  Count started;
  Rt& rt = runtime<Rt>();
  const RuntimeStats before = rt.stats();
  ProbeTask probe{rt, [&](auto&) { started.add(); },
                  [&](ProbeTask::Poll& poll) {
                    for (const auto& value : written) {
                      if (value.load(std::memory_order_relaxed) != wakes) return;
                    }
                    poll.finish();  // without the very last wake it wouldn't come to this
                  }};
  std::vector<std::thread> foreign;
  for (auto& value : written) {
    foreign.emplace_back([&] {
      started.wait_for(1);
      for (unsigned n = 1; n <= wakes; ++n) {
        value.store(n, std::memory_order_relaxed);
        probe.waker().wake();
      }
    });
  }
  rt.block_on([&]() -> Task<> { co_await probe.join(); }());
  for (auto& thread : foreign) thread.join();
  const RuntimeStats after = rt.stats();
  EXPECT_LE(after.kicks - before.kicks, after.turns - before.turns + 1) << "each wait is ended once";
}

// --- XTH-06 -------------------------------------------------------------------------------------------------------------------

/// The second wake finds the task notified already. Nothing but that wake orders the payload before its reading.
BOTH_FORMS_RULE(XTH_06, woken_while_it_runs) {
  constexpr int rounds = 100;
  int payload = 0;
  Count polled_first, answered;
  std::atomic<int> written{0};
  bool first = true;
  Rt& rt = runtime<Rt>();
  ProbeTask probe{rt, [&](auto&) { answered.add(); },
                  [&](ProbeTask::Poll& poll) {
                    if (std::exchange(first, false)) {
                      polled_first.add();
                      const int round = static_cast<int>(polled_first.value());
                      while (written.load(std::memory_order_relaxed) != round) std::this_thread::yield();
                      return;
                    }
                    if (payload != static_cast<int>(polled_first.value())) return;  // the first of the two wakes
                    first = true;
                    if (payload == rounds) poll.finish();
                    answered.add();
                  }};
  std::thread foreign{[&] {
    for (int round = 1; round <= rounds; ++round) {
      answered.wait_for(static_cast<unsigned>(round));
      probe.waker().wake();
      polled_first.wait_for(static_cast<unsigned>(round));
      probe.waker().wake();
      payload = round;
      probe.waker().wake();
      written.store(round, std::memory_order_relaxed);
    }
  }};
  rt.block_on([&]() -> Task<> { co_await probe.join(); }());
  foreign.join();
}

/// Two threads wake a task at the same time, one of them with news.
BOTH_FORMS_RULE(XTH_06, two_wakers) {
  constexpr unsigned rounds = 2'000 / scale;
  std::atomic<unsigned> news{0};
  Count started, round, seen;
  Rt& rt = runtime<Rt>();
  ProbeTask probe{rt, [&](auto&) { started.add(); },
                  [&](ProbeTask::Poll& poll) {
                    const unsigned now = news.load(std::memory_order_relaxed);
                    if (now == rounds) poll.finish();
                    seen.raise_to(now);
                  }};
  std::thread noisy{[&] {
    for (unsigned n = 1; n <= rounds; ++n) {
      round.wait_for(n);
      probe.waker().wake();
    }
  }};
  std::thread telling{[&] {
    started.wait_for(1);
    for (unsigned n = 1; n <= rounds; ++n) {
      round.raise_to(n);
      news.store(n, std::memory_order_relaxed);
      probe.waker().wake();
      seen.wait_for(n);
    }
  }};
  rt.block_on([&]() -> Task<> { co_await probe.join(); }());
  telling.join();
  noisy.join();
}

// --- XTH-07 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(XTH_07, a_ring_of_tasks) {
  constexpr unsigned size = 1'000, wakes = 1'000'000 / scale;
  static constinit thread_local unsigned depth = 0;
  std::atomic<unsigned> hops{0}, deepest{0};
  std::atomic<bool> ending{false};
  AutoResetEvent over;
  std::vector<std::unique_ptr<ProbeTask>> ring;
  Script script{sys::Op::write};
  Rt& rt = runtime<Rt>();
  rt.block_on([&]() -> Task<> {
    for (unsigned i = 0; i < size; ++i) {
      ring.push_back(std::make_unique<ProbeTask>(rt, ProbeTask::Code{}, [&, i](ProbeTask::Poll& poll) {
        if (ending) return poll.finish();
        if (++depth > deepest) deepest = depth;
        if (++hops == wakes) {
          over.set();
        } else {
          ring[(i + 1) % size]->waker().wake();
        }
        --depth;
      }));
    }
    co_await all_started(ring);
    // block_on kicks, and once more to wait for the result; that task beside ours would be a surplus worth a kick.
    while (!all_others_sleep()) std::this_thread::yield();
    script.clear_log();
    ring.front()->waker().wake();
    co_await over.wait();
    EXPECT_EQ(script.log().size(), 0u) << "writes to wake the own thread";
    ending = true;
    for (const auto& probe : ring) {
      probe->waker().wake();
      co_await probe->join();
    }
  }());
  EXPECT_EQ(deepest, 1u) << "a task was polled inside another one's wake";
}

}  // namespace reactorlab::conformance
