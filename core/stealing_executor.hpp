#pragma once
// N workers over one reactor: each with a run queue that the others steal from, one injection queue for everybody else. A worker
// with nothing to do takes the driver role (a try-flag) and waits in the reactor; the rest sleep on their own word.
//
// Scheduling follows Go's and Tokio's work-stealing schedulers: bounded local queues, half of a victim's queue per steal, at most
// one worker at a time being woken to search.

#include <memory>
#include <vector>

#include "core/ablation.hpp"
#include "core/executor.hpp"
#include "core/parking_lot.hpp"
#include "core/poller.hpp"
#include "core/run_queue.hpp"
#include "core/sys.hpp"
#include "core/task_arena.hpp"
#include "core/task_queue.hpp"
#include "core/wake_batch.hpp"

namespace reactorlab {

/// What a worker needs of the reactor it may drive. SharedReactor is one.
template <class R>
concept DrivenReactor = requires(R& reactor, std::span<Event> events, std::span<const Event> taken, WakeBatch& batch) {
  {
    reactor.wait(events, true, [] { return false; })
  } -> std::same_as<IoResult>;
  reactor.dispatch(taken, batch);
  reactor.end(batch);  // after a wait that failed
  reactor.kick_if_waiting();
  reactor.flush_requests();
  { reactor.driver_waits() } -> std::same_as<bool>;
  { reactor.role() } -> std::same_as<DriverRole&>;
};

struct Worker;

/// What an idle worker of the ablation spin_then_park does before it sleeps: some 30 to 100 us, by the processor's pause.
inline constexpr unsigned looks_before_parking = 1'000;

/// Polls after which a worker looks beyond its own queue.
inline constexpr unsigned polls_per_look = 64;
static_assert(polls_per_turn % polls_per_look == 0);

/// The part that doesn't depend on the reactor.
class StealingExecutorBase : public Executor {
 public:
  void enqueue(TaskHeader& task) noexcept override;
  void enqueue_remote(TaskHeader& task) noexcept override;
  TaskHeader& adopt(std::coroutine_handle<> frame) override;
  void launch(TaskHeader& task) noexcept override;
  void reclaim(TaskHeader& task) noexcept override;
  bool on_own_thread() const noexcept override;

  ExecutorStats stats() const noexcept;

  /// Lets tasks run until none is left or the deadline has come, destroys the rest on the workers, ends the workers. Idempotent.
  /// Any thread but a worker, several at once: the earliest deadline counts, and each returns after the end.
  void shut_down(TimePoint drain_until) noexcept;

  /// Delivers a turn's wakes from a thread that isn't a worker: our own tasks with one lock and at most one wake of a worker.
  void deliver_from_outside(WakeBatch& batch) noexcept;

 protected:
  StealingExecutorBase(unsigned workers, DriverRole& role, Ablation ablation);
  ~StealingExecutorBase();

  void start_threads();
  void stop_threads() noexcept;
  /// Waits until no task is left, or until the deadline.
  bool drain(TimePoint until) noexcept;
  void cancel_everything() noexcept;

  virtual void run(Worker& worker) noexcept = 0;
  /// Ends the wait of a driver that is inside the reactor, if there is one. Any thread.
  virtual void kick_driver() noexcept = 0;
  virtual bool driver_waits() const noexcept = 0;
  /// What this worker's tasks have requested reaches the kernel, though another worker may be waiting in the reactor.
  virtual void flush_requests() noexcept {}

  /// The next task for this worker: its own queue, the injection queue, another worker's queue; nullptr if all are empty.
  TaskHeader* next_task(Worker& worker) noexcept;
  void poll(Worker& worker, TaskHeader& task) noexcept;
  TaskHeader* next_task_elsewhere(Worker& worker) noexcept;
  void deliver(Worker& worker, WakeBatch& batch) noexcept;
  /// Sleeps until notified, unless there is work, or nobody drives.
  void park(Worker& worker) noexcept;
  bool has_work(const Worker& worker) const noexcept;
  bool stopping() const noexcept { return stopping_.load(seq_cst); }
  /// Polls after which a worker leaves its loop for the slow path.
  unsigned poll_limit() const noexcept { return poll_limit_.load(relaxed); }
  /// In the end phase every task that comes up is destroyed instead of polled.
  bool closing() const noexcept { return poll_limit() == 0; }
  /// After poll_limit() polls: takes one task from the injection queue, so that local work can't starve it. True if the reactor
  /// is due as well.
  bool look_around(Worker& worker) noexcept;
  /// While closing: destroys what there is.
  void destroy_queued(Worker& worker) noexcept;
  static void begin_turn(Worker& worker) noexcept;
  /// The worker's loop. drive(worker, may_block): one turn, called with the driver role, which it gives back before any task runs.
  template <class Drive>
  void work(Worker& worker, Drive&& drive) noexcept;

 private:
  void push(Worker& worker, TaskHeader& task) noexcept;
  void inject(TaskHeader& task) noexcept;
  /// Gets help if more is queued than this worker runs next: by itself, or, so many, in the queue for all.
  void offer_surplus(Worker& worker, std::size_t left = 0) noexcept;
  /// The same from a worker that has just found something elsewhere.
  void pass_the_search_on(Worker& worker, std::size_t left) noexcept;
  TaskHeader* take_injected(Worker& worker) noexcept;
  TaskHeader* steal(Worker& worker) noexcept;
  void settle_slow(Worker& worker, TaskHeader& task) noexcept;
  void finish(TaskHeader& task) noexcept;
  void destroy_cancelled(TaskHeader& task) noexcept;
  void count_finished() noexcept;
  std::uint64_t live() const noexcept;
  /// Work was published: makes sure that somebody looks for it.
  void notify() noexcept;

  DriverRole& role_;
  const RunQueue::Thieves thieves_;  // some, if there are several workers
  std::vector<std::unique_ptr<Worker>> workers_;

  alignas(64) PlainMutex injection_mutex_;
  TaskQueue injected_;                     // guarded by injection_mutex_
  Atomic<std::size_t> injected_count_{0};  // written with it held
  OwnedCounter wakes_remote_, handoffs_;   // written with it held

  ParkingLot lot_;

  alignas(64) Atomic<std::uint32_t> visitors_{0};                       // foreign threads inside enqueue()
  Atomic<std::uint64_t> started_elsewhere_{0}, finished_elsewhere_{0};  // by threads that aren't workers
  Atomic<bool> stopping_{false};
  Atomic<std::uint32_t> ended_{0};  // bumped as tasks end while somebody drains
  Atomic<bool> draining_{false};
  PlainMutex end_mutex_;  // held from the first cancellation until the last worker has been joined

  Atomic<unsigned> poll_limit_{polls_per_look};  // 0: closing
};

template <DrivenReactor Reactor>
class StealingExecutor final : public StealingExecutorBase {
 public:
  StealingExecutor(Reactor& reactor, unsigned workers, Ablation ablation = Ablation::none)
      : StealingExecutorBase{workers, reactor.role(), ablation}, reactor_{reactor} {
    start_threads();
  }
  ~StealingExecutor() { shut_down(TimePoint{}); }

 private:
  void run(Worker& worker) noexcept override {
    work(worker, [this](Worker& driver, bool may_block) { drive(driver, may_block); });
  }
  void drive(Worker& worker, bool may_block) noexcept;
  void kick_driver() noexcept override { reactor_.kick_if_waiting(); }
  bool driver_waits() const noexcept override { return reactor_.driver_waits(); }
  void flush_requests() noexcept override { reactor_.flush_requests(); }

  Reactor& reactor_;
};

/// Workers beside a reactor that has a thread of its own: they run tasks, and sleep when there are none.
class UndrivenExecutor final : public StealingExecutorBase {
 public:
  explicit UndrivenExecutor(unsigned workers, Ablation ablation = Ablation::none)
      : StealingExecutorBase{workers, nobodys_role(), ablation} {
    start_threads();
  }
  ~UndrivenExecutor() { shut_down(TimePoint{}); }

 private:
  /// Never vacant, so that there is nothing in it to share or to change.
  static DriverRole& nobodys_role() noexcept;

  void run(Worker& worker) noexcept override;
  void kick_driver() noexcept override {}
  bool driver_waits() const noexcept override { return false; }
};

/// One thread of the pool.
struct alignas(64) Worker {
  explicit Worker(RunQueue::Thieves thieves) noexcept : queue{thieves} {}

  RunQueue queue;
  StealingExecutorBase* executor = nullptr;
  unsigned index = 0;
  unsigned polls_since_look = 0;
  unsigned polls_since_turn = 0;  // up to the last look
  unsigned no_polls = 0;          // of these: operations that count like polls
  OwnedCounter started, finished;
  OwnedCounter polls;  // up to the last turn
  OwnedCounter wakes_local, wakes_suppressed, steals, parks;
  alignas(64) ParkingSpot spot;
  Event events[Poller::batch];
  Thread thread;
};

/// The worker that the calling thread is; nullptr elsewhere.
inline constinit thread_local Worker* current_worker = nullptr;

[[gnu::always_inline]] inline TaskHeader* StealingExecutorBase::next_task(Worker& worker) noexcept {
  if (TaskHeader* const task = worker.queue.pop()) [[likely]]
    return task;
  return next_task_elsewhere(worker);
}

[[gnu::always_inline]] inline void StealingExecutorBase::poll(Worker& worker, TaskHeader& task) noexcept {
  ++worker.polls_since_look;
  std::uint32_t wakes = task.wakes.load(acquire);
  if (wakes & TaskHeader::cancel_bit) [[unlikely]]
    return destroy_cancelled(task);
  task.budget = leaf_budget;
  task.poll(task);
  // n -> 0: parked, the next wake enqueues it, and from here on another worker may run it. Losing: it was woken, or cancelled,
  // while it ran; it keeps its count and is polled once more.
  const bool again = mutated(Mutant::parked_task_polled_again) || (mutated(Mutant::wakes_not_coalesced) && wakes > 1);
  if (!again && task.action == TaskAction::park && task.wakes.compare_exchange_strong(wakes, 0, acq_rel, relaxed)) [[likely]]
    return;
  settle_slow(worker, task);
}

template <class Drive>
[[gnu::always_inline]] inline void StealingExecutorBase::work(Worker& worker, Drive&& drive) noexcept {
  for (;;) {
    if (worker.polls_since_look >= poll_limit()) [[unlikely]] {
      // Asked once: whoever goes on to the wait below must have emptied its queue.
      if (!closing()) {
        if (look_around(worker) && role_.try_take()) drive(worker, false);
        continue;
      }
      destroy_queued(worker);
    } else if (TaskHeader* const task = next_task(worker)) [[likely]] {
      poll(worker, *task);
      continue;
    }
    if (stopping()) return flush_requests();
    begin_turn(worker);
    if (role_.try_take()) {
      drive(worker, true);
    } else {
      flush_requests();
      park(worker);
    }
  }
}

/// One turn. REQUIRES the driver role, which is given back before any task runs.
template <DrivenReactor Reactor>
void StealingExecutor<Reactor>::drive(Worker& worker, bool may_block) noexcept {
  const IoResult n = reactor_.wait(worker.events, may_block, [&] { return has_work(worker) || stopping(); });
  WakeBatch batch;
  if (n) [[likely]] {
    reactor_.dispatch(std::span<const Event>{worker.events, n.count()}, batch);
    reactor_.role().resign();
  } else {
    reactor_.end(batch);
  }
  deliver(worker, batch);
}

}  // namespace reactorlab
