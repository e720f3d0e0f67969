// VAR-AM: what only arc_mutex can get wrong.

#include <atomic>
#include <mutex>
#include <thread>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/probe_task.hpp"

namespace reactorlab::conformance {

// --- VAR-AM-01 ----------------------------------------------------------------------------------------------------------------

namespace {

/// Everything that a handle does to a reactor, by a task of another runtime, on the thread of that one.
void use_from_elsewhere(IRuntime& reactor_owner, IRuntime& elsewhere) {
  Pair pair = socket_pair();
  std::optional<AsyncFd> handle;
  Timer timer;
  ProbeTask probe{elsewhere, [&](ProbeTask::Poll& poll) {
                    handle.emplace(AsyncFd::borrow(reactor_owner, pair.ours.get()));
                    EXPECT_EQ(poll.arm<Direction::read>(*handle), Armed::parked);
                    timer.task = &poll.task();
                    auto ref = reactor_owner.ref();
                    EXPECT_TRUE(ref.start_timer(timer, clock::now() + std::chrono::hours{1}));
                    ref.stop_timer(timer);
                    poll.disarm(*handle, Direction::read);
                    handle.reset();
                    poll.finish();
                  }};
  probe.join().wait();
}

}  // namespace

RULE(VAR_AM_01, driver_held_before_its_wait) {
  SyncPoints points;
  points.hold(SyncPoint::poll_before_block);
  IRuntime& rt = runtime();
  points.wait_until_reached(SyncPoint::poll_before_block);
  auto elsewhere = make();
  use_from_elsewhere(rt, *elsewhere);
  EXPECT_EQ(rt.stats().turns, 0u);
  points.release(SyncPoint::poll_before_block);
}

RULE(VAR_AM_01, driver_inside_its_wait) {
  std::atomic<bool> inside{false};
  Script script;
  script.on(sys::Op::epoll_wait, Script::any_fd, [&](sys::Call&) -> std::optional<long> {
    inside.store(true);
    inside.notify_all();
    return std::nullopt;
  });
  IRuntime& rt = runtime();
  inside.wait(false);  // past everything that comes before the kernel
  auto elsewhere = make();
  use_from_elsewhere(rt, *elsewhere);
  const RuntimeStats after = rt.stats();
  EXPECT_LE(after.events, after.kicks + kicks_for_registration()) << "another event than the new deadline's kick came in between";
}

// --- VAR-AM-02 ----------------------------------------------------------------------------------------------------------------

RULE(VAR_AM_02, one_driver_for_two_idle_workers) {
  NEEDS(migration);
  if (workers() < 2) return;
  SyncPoints points;
  points.hold(SyncPoint::poll_before_block);
  (void)runtime();
  points.wait_until_reached(SyncPoint::poll_before_block);
  // The other worker has nothing to do either.
  while (points.arrivals(SyncPoint::park_queue_empty) == 0 && points.arrivals(SyncPoint::poll_before_block) < 2) {
    std::this_thread::yield();
  }
  EXPECT_EQ(points.arrivals(SyncPoint::poll_before_block), 1u);
  points.release(SyncPoint::poll_before_block);
}

namespace {

/// Counts the threads between the decision to wait and the end of the wait.
class DriverCount final : public SyncPointObserver {
 public:
  DriverCount() { sync_point_observer.store(this, std::memory_order_release); }
  DriverCount(const DriverCount&) = delete;
  /// No runtime may be left.
  ~DriverCount() { sync_point_observer.store(nullptr, std::memory_order_release); }

  void reached(SyncPoint point) noexcept override {
    std::lock_guard lock{mutex_};
    if (point == SyncPoint::poll_before_block) {
      inside_.push_back(std::this_thread::get_id());
      most_ = std::max(most_, inside_.size());
      ++waits_;
    } else if (point == SyncPoint::poll_returned) {
      std::erase(inside_, std::this_thread::get_id());  // a turn that doesn't wait was never there
    }
  }
  std::size_t most() const { return std::lock_guard{mutex_}, most_; }
  std::size_t waits() const { return std::lock_guard{mutex_}, waits_; }

 private:
  mutable std::mutex mutex_;
  std::vector<std::thread::id> inside_;  // guarded by mutex_
  std::size_t most_ = 0, waits_ = 0;     // guarded by mutex_
};

Task<> echo(TcpStream stream) {
  while (const Lease lease = co_await stream.read_lease()) {
    if (!co_await stream.write_all(lease)) co_return;
  }
}

}  // namespace

RULE(VAR_AM_02, one_driver_under_traffic) {
  NEEDS(migration);
  if (workers() < 2) return;
  constexpr unsigned connections = 4, round_trips = 200;
  DriverCount drivers;
  auto rt = make();
  std::vector<Fd> peers;
  std::vector<JoinHandle<void>> served;
  for (unsigned i = 0; i < connections; ++i) {
    Pair pair = tcp_pair();
    served.push_back(rt->spawn(echo(*std::move(TcpStream::adopt(rt->ref(), pair.ours.release())))));
    peers.push_back(std::move(pair.peer));
  }
  for (unsigned trip = 0; trip < round_trips; ++trip) {
    for (Fd& peer : peers) put(peer.get(), "x");
    for (Fd& peer : peers) EXPECT_EQ(take(peer.get(), 1), "x");
  }
  peers.clear();
  for (auto& join : served) join.wait();
  rt.reset();
  EXPECT_GT(drivers.waits(), 1u);
  EXPECT_EQ(drivers.most(), 1u);
}

/// The driver becomes busy with a task that goes on only when an event has been served, which must be done by the other worker.
RULE(VAR_AM_02, busy_driver_is_replaced) {
  NEEDS(migration);
  if (workers() < 2) return;
  IRuntime& rt = runtime();
  for (int round = 0; round < 10; ++round) {
    Pair first = socket_pair(), second = socket_pair();
    std::atomic<bool> served{false};
    auto serving = rt.spawn([](IRuntime& runtime, int fd, std::atomic<bool>& done) -> Task<> {
      auto handle = AsyncFd::borrow(runtime, fd);
      EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
      done.store(true);
      done.notify_all();
    }(rt, second.ours.get(), served));
    auto blocking = rt.spawn([](IRuntime& runtime, int fd, int other, std::atomic<bool>& done) -> Task<> {
      auto handle = AsyncFd::borrow(runtime, fd);
      EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
      put(other, "x");
      done.wait(false);
    }(rt, first.ours.get(), second.peer.get(), served));
    while (rt.stats().waiters < 2 || !all_others_sleep()) std::this_thread::yield();
    put(first.peer.get(), "x");
    served.wait(false);  // before any join: what that sends to the runtime would wake the other worker
    blocking.wait();
    serving.wait();
  }
}

}  // namespace reactorlab::conformance
