// Each ablation does what it says, by counts, and an ablated runtime still serves and ends.
#include "core/ablation.hpp"

#include <dirent.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/async_fd.hpp"
#include "core/combinators.hpp"
#include "core/parking_lot.hpp"
#include "core/socket_test.hpp"
#include "core/tcp.hpp"
#include "core/time.hpp"

namespace reactorlab {
namespace {

using namespace std::chrono_literals;

constexpr Configuration ablated[] = {
    {"thread_local", {.ablation = Ablation::level_triggered}, "thread_local_level_triggered"},
    {"thread_local", {.ablation = Ablation::oneshot}, "thread_local_oneshot"},
    {"arc_mutex", {.workers = 1, .ablation = Ablation::held_lock}, "arc_mutex_held_lock_1"},
    {"arc_mutex", {.workers = 2, .ablation = Ablation::held_lock}, "arc_mutex_held_lock_2"},
    {"arc_mutex", {.workers = 2, .ablation = Ablation::spin_then_park}, "arc_mutex_spin_then_park"},
    {"arc_mutex", {.workers = 2, .locking = Locking::fine, .ablation = Ablation::spin_then_park}, "arc_mutex_fine_spin_then_park"},
    {"oncelock_global", {.workers = 2, .ablation = Ablation::held_lock}, "oncelock_global_held_lock"},
    {"oncelock_global", {.workers = 2, .ablation = Ablation::spin_then_park}, "oncelock_global_spin_then_park"},
    {"dedicated_thread", {.workers = 1, .ablation = Ablation::registration_command}, "dedicated_thread_registration_command_1"},
    {"dedicated_thread", {.workers = 2, .ablation = Ablation::registration_command}, "dedicated_thread_registration_command_2"},
    {"dedicated_thread", {.workers = 2, .ablation = Ablation::no_batch_class}, "dedicated_thread_no_batch_class"},
    {"dedicated_thread", {.workers = 2, .ablation = Ablation::kick_per_command}, "dedicated_thread_kick_per_command"},
    {"dedicated_thread", {.workers = 2, .ablation = Ablation::handoff_per_event}, "dedicated_thread_handoff_per_event"},
    {"dedicated_thread", {.workers = 2, .ablation = Ablation::spin_then_park}, "dedicated_thread_spin_then_park"},
};

using AblatedRuntimeTest = RuntimeTest;
INSTANTIATE_TEST_SUITE_P(Ablations, AblatedRuntimeTest, testing::ValuesIn(ablated),
                         [](const auto& instance) { return std::string{instance.param.label}; });

Task<> doze(IRuntime& runtime, Duration time, std::optional<Witness> = {}) { (void)co_await sleep(runtime, time); }

/// An accepting task, and a session for each connection, as a server has them.
Task<> serve(IRuntime& runtime, TcpListener listener) {
  for (;;) {
    auto accepted = co_await listener.accept();
    if (!accepted) co_return;
    runtime
        .spawn([](TcpStream stream) -> Task<> {
          for (;;) {
            const Lease lease = co_await stream.read_lease();
            if (!lease) break;
            const IoResult sent = co_await stream.write_all(lease);
            if (!sent) break;
          }
        }(accepted.take()))
        .detach();
  }
}

/// More than the buffers between both ends hold, so that each direction fills up, and its writer waits, again and again.
Task<bool> carries(IRuntime& runtime, SocketAddress server, std::size_t size) {
  auto connected = co_await TcpStream::connect(runtime, server);
  TcpStream stream = connected.take();
  std::string sent(size, ' '), received;
  for (std::size_t i = 0; i < size; ++i) sent[i] = static_cast<char>('a' + i % 23);
  const auto write = [&]() -> Task<> {
    const IoResult written = co_await stream.write_all(bytes_of(sent));
    EXPECT_EQ(written.value(), static_cast<long>(size));
    EXPECT_TRUE(stream.shutdown_write().ok());
  };
  const auto read = [&]() -> Task<> { received = co_await read_to_end(stream); };
  co_await when_all(write(), read());
  co_return received == sent;
}

TEST_P(AblatedRuntimeTest, EchoesManyAtOnceAndWhatFillsTheBuffers) {
  auto listener = TcpListener::bind(runtime(), SocketAddress::loopback(0));
  const SocketAddress address = listener.local_address();
  runtime().spawn(serve(runtime(), std::move(listener))).detach();
  run([&]() -> Task<> {
    std::vector<JoinHandle<bool>> clients;
    for (const std::size_t size : {1u, 100u, 100'000u, 8u << 20}) {
      for (int i = 0; i < 4; ++i) clients.push_back(runtime().spawn(carries(runtime(), address, size)));
    }
    for (auto& client : clients) {
      const bool right = co_await client;
      EXPECT_TRUE(right);
    }
  });
}

TEST_P(AblatedRuntimeTest, ShutsDownWithSomebodyParkedEverywhere) {
  auto listener = TcpListener::bind(runtime(), SocketAddress::loopback(0));
  const SocketAddress address = listener.local_address();
  runtime().spawn(serve(runtime(), std::move(listener))).detach();
  std::atomic<int> ends{0};
  run([&]() -> Task<> {
    auto connected = co_await TcpStream::connect(runtime(), address);
    runtime()
        .spawn([](TcpStream idle, Witness) -> Task<> { (void)co_await idle.read_lease(); }(connected.take(), Witness{ends}))
        .detach();
    runtime().spawn(doze(runtime(), 24h, Witness{ends})).detach();
    co_await until_parked(runtime(), 3);  // the listener, and both ends
  });
  runtime().shutdown(Duration::zero());
  EXPECT_EQ(ends, 2);
  EXPECT_EQ(runtime().stats().live_tasks, 0u);
}

// --- each by itself, beside the home as it is ---------------------------------------------------------------------------------

std::unique_ptr<IRuntime> made(const char* home, Ablation ablation, unsigned workers = 1) {
  return make_runtime(home, {.workers = workers, .ablation = ablation});
}
UniqueFd counter() { return UniqueFd{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)}; }
void bump(const UniqueFd& counter) {
  const std::uint64_t one = 1;
  EXPECT_EQ(::write(counter.get(), &one, sizeof one), ssize_t{sizeof one});
}
Task<> take(AsyncFd& counter) {
  std::uint64_t value = 0;
  const IoResult n = co_await counter.read(std::as_writable_bytes(std::span{&value, 1}));
  EXPECT_EQ(n.value(), long{sizeof value});
}

/// An event that the reactor has seen, and so a turn that it has made.
void make_a_turn(IRuntime& runtime) {
  const UniqueFd eventfd = counter();
  auto source = AsyncFd::borrow(runtime, eventfd.get());
  auto reader = runtime.spawn(take(source));
  while (runtime.stats().waiters != 1) std::this_thread::yield();
  bump(eventfd);
  reader.wait();
}

TEST(HeldLock, WhoNeedsTheLockEndsTheWait) {
  const auto ablated_runtime = made("arc_mutex", Ablation::held_lock);
  // Each reading takes the lock, so once the idle worker waits in the kernel one of them finds it held.
  while (ablated_runtime->stats().kicks < 10) std::this_thread::yield();
  const RuntimeStats stats = ablated_runtime->stats();
  EXPECT_GE(stats.lock_contentions, 10u);
  EXPECT_LE(stats.turns, 2 * stats.lock_contentions + 2) << "the driver doesn't wait again before the lock was given on";

  const auto plain = made("arc_mutex", Ablation::none);
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(plain->stats().kicks, 0u);
}

TEST(RegistrationCommand, EachCallOfTheKernelWakesTheThread) {
  constexpr unsigned count = 50;
  for (const Ablation ablation : {Ablation::registration_command, Ablation::none}) {
    const auto runtime = made("dedicated_thread", ablation);
    std::vector<UniqueFd> counters;
    for (unsigned i = 0; i < count; ++i) counters.push_back(counter());
    make_a_turn(*runtime);  // before its first wait a thread isn't there to be commanded
    const RuntimeStats before = runtime->stats();
    for (const UniqueFd& each : counters) (void)AsyncFd::borrow(*runtime, each.get());
    const RuntimeStats after = runtime->stats();
    EXPECT_EQ(after.epoll_ctl_calls - before.epoll_ctl_calls, 2 * count);
    if (ablation == Ablation::none)
      EXPECT_LE(after.turns - before.turns, 1u);
    else
      EXPECT_GE(after.turns - before.turns, 2 * count - 1);
  }
}

TEST(RegistrationCommand, TheCallerGetsTheKernelsAnswer) {
  const auto runtime = made("dedicated_thread", Ablation::registration_command);
  make_a_turn(*runtime);
  const UniqueFd eventfd = counter();
  const auto first = AsyncFd::borrow(*runtime, eventfd.get());
  EXPECT_EQ(thrown_by([&] { return AsyncFd::borrow(*runtime, eventfd.get()); }), EEXIST);
  runtime->shutdown(Duration::zero());  // the handle is given up by its holder, since there is no thread any more
}

/// How many threads of this process are scheduled so.
int threads_of_class(int policy) {
  int count = 0;
  DIR* const tasks = ::opendir("/proc/self/task");
  while (const dirent* const entry = ::readdir(tasks)) {
    const int tid = std::atoi(entry->d_name);
    count += tid != 0 && ::sched_getscheduler(tid) == policy;
  }
  ::closedir(tasks);
  return count;
}

TEST(NoBatchClass, NoThreadHasIt) {
  if (::sched_getscheduler(0) != SCHED_OTHER) GTEST_SKIP() << "this process has another scheduling class, and threads inherit it";
  for (const Ablation ablation : {Ablation::no_batch_class, Ablation::none}) {
    const auto runtime = made("dedicated_thread", ablation);
    make_a_turn(*runtime);  // its thread has begun
    EXPECT_EQ(threads_of_class(SCHED_BATCH), ablation == Ablation::none ? 1 : 0);
  }
}

TEST(KickPerCommand, FarTimersKickToo) {
  constexpr unsigned count = 50;
  for (const Ablation ablation : {Ablation::kick_per_command, Ablation::none}) {
    const auto runtime = made("dedicated_thread", ablation);
    for (unsigned i = 0; i < count; ++i) {
      runtime->spawn(doze(*runtime, 1h + i * 1min)).detach();
    }
    while (runtime->stats().pending_timers != count) std::this_thread::yield();
    if (ablation == Ablation::none) {
      EXPECT_LE(runtime->stats().kicks, 1u) << "only the first was earlier than all others";
    } else {
      while (runtime->stats().kicks < count) std::this_thread::yield();  // a command is counted before its kick
      EXPECT_EQ(runtime->stats().kicks, count);
    }
  }
}

/// Holds whoever is about to wait in the kernel.
class HeldWait final : public SyncPointObserver {
 public:
  HeldWait() { sync_point_observer.store(this); }
  ~HeldWait() {
    release();
    sync_point_observer.store(nullptr);
  }
  void reached(SyncPoint point) noexcept override {
    if (point != SyncPoint::poll_before_block) return;
    std::unique_lock lock{mutex_};
    held_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return released_; });
  }
  void wait_until_held() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return held_; });
  }
  void release() {
    std::lock_guard lock{mutex_};
    released_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false, released_ = false;
};

TEST(HandoffPerEvent, ATurnsEventsAreHandedOverOneByOne) {
  constexpr unsigned count = 20;
  for (const Ablation ablation : {Ablation::handoff_per_event, Ablation::none}) {
    const auto runtime = made("dedicated_thread", ablation);
    std::vector<UniqueFd> counters;
    std::vector<AsyncFd> sources;
    std::vector<JoinHandle<void>> tasks;
    for (unsigned i = 0; i < count; ++i) {
      counters.push_back(counter());
      sources.push_back(AsyncFd::borrow(*runtime, counters.back().get()));
    }
    for (AsyncFd& source : sources) tasks.push_back(runtime->spawn(take(source)));
    while (runtime->stats().waiters != count) std::this_thread::yield();
    const RuntimeStats before = runtime->stats();
    {
      // The first event ends the wait, if there is one; the others come together.
      HeldWait wait;
      bump(counters[0]);
      wait.wait_until_held();
      for (unsigned i = 1; i < count; ++i) bump(counters[i]);
    }
    for (auto& task : tasks) task.wait();
    const std::uint64_t handoffs = runtime->stats().handoffs - before.handoffs;
    if (ablation == Ablation::none)
      EXPECT_LE(handoffs, 2u);
    else
      EXPECT_EQ(handoffs, count);
  }
}

/// What epoll_wait has reported.
class EventCount final : public sys::Script {
 public:
  EventCount() { sys::script.store(this); }
  ~EventCount() { sys::script.store(nullptr); }
  long on_call(sys::Call& call, long (*kernel)(const void*, const sys::Call&), const void* context) noexcept override {
    const long result = kernel(context, call);
    if (call.op == sys::Op::epoll_wait && result > 0) events += static_cast<std::uint64_t>(result);
    return result;
  }
  std::atomic<std::uint64_t> events{0};
};

struct TurnCosts {
  std::uint64_t events, epoll_ctl_calls;
};

/// What so many turns cost, each with an event of `busy`, while `unread` has something that nobody reads.
TurnCosts cost_of_turns(Ablation ablation, unsigned turns) {
  const auto runtime = made("thread_local", ablation);
  const UniqueFd busy_fd = counter(), unread_fd = counter();
  auto busy = AsyncFd::borrow(*runtime, busy_fd.get());
  const auto unread = AsyncFd::borrow(*runtime, unread_fd.get());
  bump(unread_fd);
  EventCount script;
  TurnCosts before{}, after{};
  const auto now = [&] { return TurnCosts{script.events, runtime->stats().epoll_ctl_calls}; };
  const auto body = [&]() -> Task<> {
    for (unsigned i = 0; i <= turns; ++i) {
      auto reader = runtime->spawn(take(busy));
      co_await until_parked(*runtime);
      if (i == 1) before = now();
      bump(busy_fd);
      co_await reader;
    }
    after = now();
  };
  runtime->block_on(body());
  return {after.events - before.events, after.epoll_ctl_calls - before.epoll_ctl_calls};
}

TEST(Trigger, SaysHowOftenASourceIsReportedAndArmed) {
  constexpr unsigned turns = 100;
  const TurnCosts edge = cost_of_turns(Ablation::none, turns);
  EXPECT_EQ(edge.events, turns);
  EXPECT_EQ(edge.epoll_ctl_calls, 0u);
  const TurnCosts level = cost_of_turns(Ablation::level_triggered, turns);
  EXPECT_GE(level.events, 2 * turns - 1) << "what nobody reads is reported in each turn";
  EXPECT_EQ(level.epoll_ctl_calls, 0u);
  const TurnCosts oneshot = cost_of_turns(Ablation::oneshot, turns);
  EXPECT_GE(oneshot.epoll_ctl_calls, oneshot.events - 2) << "each report but those of the last turn";
  EXPECT_GE(oneshot.events, 2 * turns - 1);
}

TEST(SpinThenPark, LooksForAWhileBeforeItLiesDown) {
  constexpr unsigned looks = 7;
  DriverRole role{DriverRole::Holder::elsewhere};
  ParkingSpot spot;
  unsigned searched = 0;  // looks during which nobody else need be woken
  /// -> how often a worker looked until there was work, at that look
  const auto looked = [&](ParkingLot& lot, unsigned work_at) {
    unsigned count = 0;
    EXPECT_FALSE(lot.park(spot, [&] {
      ++count;
      searched += lot.searching() != 0;
      return count == work_at;
    }));
    EXPECT_EQ(lot.sleeping(), 0u);
    EXPECT_EQ(lot.searching(), 0u);
    return count;
  };
  ParkingLot plain{1, role}, spinning{1, role, looks};
  EXPECT_EQ(looked(plain, 1), 1u);
  EXPECT_EQ(searched, 0u);
  EXPECT_EQ(looked(spinning, 3), 3u);
  EXPECT_EQ(searched, 3u);
  EXPECT_EQ(looked(spinning, looks + 1), looks + 1) << "the look between lying down and sleeping";
  EXPECT_EQ(searched, 3 + looks);
}

// --- what can't be -------------------------------------------------------------------------------------------------------------

TEST(Ablations, AHomeRefusesThoseItHasNot) {
  for (const Ablation ablation : all_ablations) {
    int having = 0, refusing = 0;
    for (const std::string_view home : runtime_names()) {
      try {
        EXPECT_EQ(make_runtime(home, {.ablation = ablation})->info().ablation, ablation);
        ++having;
      } catch (const UsageError&) {
        ++refusing;
      }
      simulate_end_of_process();
    }
    EXPECT_GE(having, 1) << name_of(ablation);
    EXPECT_GE(refusing, 1) << name_of(ablation);
  }
  EXPECT_THROW((void)make_runtime("arc_mutex", {.locking = Locking::fine, .ablation = Ablation::held_lock}), UsageError);
  EXPECT_THROW((void)make_runtime("thread_local", {.backend = Backend::uring, .ablation = Ablation::oneshot}), UsageError);
}

TEST(Ablations, HaveNames) {
  for (const Ablation ablation : all_ablations) EXPECT_EQ(ablation_named(name_of(ablation)), ablation);
  EXPECT_FALSE(ablation_named("none"));
  EXPECT_FALSE(ablation_named("held_lok"));
}

}  // namespace
}  // namespace reactorlab
