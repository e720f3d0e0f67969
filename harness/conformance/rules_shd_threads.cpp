// SHD: a runtime's threads at its end, and several threads that end one runtime.

#include <barrier>
#include <thread>

#include "harness/conformance/errors.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/tasks.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

namespace {

Task<int> answer() { co_return 42; }
Task<> park_for_good(Witness) { co_await Forever{}; }

void wait_until_all_others_sleep() {
  while (!all_others_sleep()) std::this_thread::yield();
}

/// One thread of the runtime is held at that point, at which it has found nothing to do, until the rest of the runtime waits for it
/// alone. The runtime is made by the thread that ends it.
template <class Make>
void expect_no_stop_missed_at(SyncPoint point, Make&& make_one) {
  SyncPoints points;
  Count about_to_end;
  points.hold(point);
  std::thread ending{[&] {
    auto rt = make_one();
    points.wait_until_reached(point);
    about_to_end.add();
    rt.reset();
  }};
  about_to_end.wait_for(1);
  wait_until_all_others_sleep();
  points.release(point);
  ending.join();
}

}  // namespace

// --- SHD-10 -------------------------------------------------------------------------------------------------------------------

/// More workers than the kit's configurations have; a timer that is far away, in time that stands still.
RULE(SHD_10, everybody_sleeps) {
  NEEDS(migration);
  use_virtual_time();
  make().reset();
  RuntimeOptions options = configuration().options;
  options.workers = 4;
  const auto nap = [](IRuntime& rt) -> Task<> { (void)co_await sleep(rt, 24h); };
  for (int round = 0; round < 10; ++round) {
    const ProcessState before = ProcessState::now();
    auto rt = make(options);
    rt->spawn(nap(*rt)).detach();
    wait_until_all_others_sleep();
    rt.reset();
    EXPECT_EQ(ProcessState::settled_like(before).threads, before.threads);
  }
}

/// Whoever would wait in the reactor has looked for work and hasn't announced its wait.
RULE(SHD_10, about_to_wait) {
  NEEDS(migration);
  expect_no_stop_missed_at(SyncPoint::wait_unannounced, [&] { return make(); });
}

RULE(SHD_10, about_to_sleep) {
  NEEDS(migration);
  const bool somebody_parks = workers() > 1 || !configuration().capabilities.locking_choice;  // a lone worker drives
  if (!somebody_parks) return;
  expect_no_stop_missed_at(SyncPoint::park_queue_empty, [&] { return make(); });
}

// --- SHD-11 -------------------------------------------------------------------------------------------------------------------

RULE(SHD_11, again_and_again) {
  std::atomic<unsigned> ends{0};
  auto rt = make();
  rt->spawn(park_for_good(Witness{ends})).detach();
  const ProcessState before = ProcessState::now();
  for (int n = 0; n < 3; ++n) {
    rt->shutdown(Duration::zero());
    EXPECT_EQ(ends, 1u);
    EXPECT_EQ(rt->stats().live_tasks, 0u);
  }
  // What the first one gave back may be a stranger's by now.
  const Fd stranger = event_fd();
  rt->shutdown(1h);
  rt.reset();
  EXPECT_EQ(::fcntl(stranger.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_LE(ProcessState::settled_like(before).threads, before.threads);
}

/// A runtime that is confined says so, and goes on; the others end.
RULE(SHD_11, by_a_foreign_thread) {
  std::atomic<unsigned> ends{0};
  IRuntime& rt = runtime();
  rt.spawn(park_for_good(Witness{ends})).detach();
  on_another_thread([&] {
    const std::string refusal = usage_error_of([&] {
      rt.shutdown(Duration::zero());
      return 0;
    });
    EXPECT_EQ(refusal.find("the thread that made it") != std::string::npos, confined()) << refusal;
  });
  if (confined()) {
    EXPECT_EQ(ends, 0u);
    EXPECT_EQ(rt.block_on(answer()), 42);
    rt.shutdown(Duration::zero());
  }
  EXPECT_EQ(ends, 1u);
  EXPECT_THROW(rt.block_on(answer()), TaskCancelled);
}

RULE(SHD_11, two_threads_at_once) {
  NEEDS(migration);
  constexpr unsigned rounds = 50, callers = 2, tasks = 10;
  for (unsigned round = 0; round < rounds; ++round) {
    std::atomic<unsigned> ends{0};
    auto rt = make();
    for (unsigned i = 0; i < tasks; ++i) rt->spawn(park_for_good(Witness{ends})).detach();
    std::barrier at_once{callers};
    std::vector<std::thread> ending;
    for (unsigned i = 0; i < callers; ++i) {
      ending.emplace_back([&] {
        at_once.arrive_and_wait();
        rt->shutdown(Duration::zero());
        EXPECT_EQ(ends, tasks) << "a caller came back before the end";
        EXPECT_EQ(rt->stats().live_tasks, 0u);
      });
    }
    for (auto& thread : ending) thread.join();
  }
}

/// Both wait for a thread of the runtime that takes its time to end.
RULE(SHD_11, two_threads_and_a_slow_third) {
  NEEDS(migration);
  SyncPoints points;
  IRuntime& rt = runtime();
  EXPECT_EQ(rt.block_on(answer()), 42);
  wait_until_all_others_sleep();
  points.hold(SyncPoint::poll_returned);
  std::vector<std::thread> ending;
  for (int i = 0; i < 2; ++i) ending.emplace_back([&] { rt.shutdown(Duration::zero()); });
  points.wait_until_reached(SyncPoint::poll_returned);
  wait_until_all_others_sleep();
  points.release(SyncPoint::poll_returned);
  for (auto& thread : ending) thread.join();
}

/// Who would let tasks go on for an hour, and somebody who wouldn't.
RULE(SHD_11, the_least_patient_one_counts) {
  NEEDS(migration);
  std::atomic<unsigned> ends{0};
  Count draining;
  IRuntime& rt = runtime();
  const auto accepting = [&](Witness) -> Task<> {
    auto listener = TcpListener::bind(rt, SocketAddress::loopback(0));
    EXPECT_EQ((co_await listener.accept()).error(), ESHUTDOWN);
    draining.add();
    co_await Forever{};
  };
  rt.spawn(accepting(Witness{ends})).detach();
  rt.block_on(waiters_are(rt, 1));
  std::thread patient{[&] {
    rt.shutdown(1h);
    EXPECT_EQ(ends, 1u);
  }};
  draining.wait_for(1);
  rt.shutdown(Duration::zero());
  EXPECT_EQ(ends, 1u);
  patient.join();
}

}  // namespace reactorlab::conformance
