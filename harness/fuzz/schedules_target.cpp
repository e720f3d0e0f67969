// Whole runtimes under schedules: tasks that wait for wakers, bytes, time and other tasks; threads of no runtime that wake, write,
// cancel, detach, join and spawn; a shutdown in the middle of it or at the end. Where every thread may be interrupted before any
// atomic operation, no wake is lost, no task is queued twice, and none runs after its end.
//
// The front of the input is the plan below, its back the schedule (simulation.hpp).

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/event.hpp"
#include "core/process_end.hpp"
#include "core/runtime.hpp"
#include "harness/conformance/configuration.hpp"
#include "harness/fuzz/input.hpp"
#include "harness/fuzz/simulated_kernel.hpp"
#include "harness/fuzz/simulation.hpp"
#include "harness/fuzz/target.hpp"
#include "harness/fuzz/tracked_tasks.hpp"

namespace reactorlab::fuzz {
namespace {

using conformance::Configuration;
using namespace std::chrono_literals;

const std::vector<Configuration>& configurations() {
  static const auto all = [] {
    std::vector<Configuration> found;
    for (const std::string_view name : runtime_names()) {
      for (auto& configuration : conformance::configurations_of(name, Backend::epoll)) found.push_back(std::move(configuration));
    }
    return found;
  }();
  return all;
}

constexpr std::size_t task_count = 4, actor_count = 2, most_acts = 8;

struct Plan {
  Configuration configuration;
  std::array<std::uint8_t, task_count> tasks;  ///< a byte each: the kind, a detail of it, and of a reader whether it takes one byte
  bool ends_early;                             ///< the shutdown comes while the actors act
  bool tasks_return;                           ///< they are asked to before the shutdown; otherwise it destroys them
  bool handles_outlive;                        ///< the runtime
  Duration drain;
  std::array<std::vector<std::uint8_t>, actor_count> acts;

  explicit Plan(Input& input) : configuration{configurations()[input.below(configurations().size())]} {
    const std::uint8_t flags = input.byte();
    ends_early = (flags & 1) != 0;
    tasks_return = (flags & 2) == 0;
    handles_outlive = (flags & 4) != 0;
    drain = (flags & 8) != 0 ? 2ms : 0ms;
    for (std::uint8_t& task : tasks) task = input.byte();
    for (auto& list : acts) {
      for (std::size_t n = input.below(most_acts + 1); n != 0; --n) list.push_back(input.byte());
    }
  }
};

class Run {
 public:
  Run(const Plan& plan, Simulation& simulation, SimulatedKernel& kernel)
      : plan_{plan},
        simulation_{simulation},
        kernel_{kernel},
        runtime_{make_runtime(plan.configuration.variant, plan.configuration.options)},
        world_{*runtime_} {}

  void go() {
    for (std::size_t i = 0; i < task_count; ++i) spawn(records_[i], plan_.tasks[i]);
    std::vector<Thread> threads;
    for (std::size_t i = 0; i < actor_count; ++i) threads.push_back(Thread{[this, i] { act(i); }});
    threads.push_back(Thread{[this] { conduct(); }});
    runtime_->block_on(root());
    runtime_->shutdown(plan_.drain);
    demand(runtime_->stats().live_tasks == 0, "a task outlives the shutdown");
    for (Thread& thread : threads) thread.join();
    if (!plan_.handles_outlive) drop_handles();
    runtime_.reset();
    drop_handles();
    for (const Record& record : records_) {
      demand(record.ended, "a task's frame outlives its runtime");
      if (record.fd >= 0 && !record.shares) kernel_.close_pipe(record.fd);
    }
    demand(world_.children == 0, "a child's frame outlives its runtime");
  }

 private:
  void spawn(Record& record, std::uint8_t what) {
    record.kind = static_cast<Kind>(what % 4);
    const unsigned detail = what / 4 % 8;
    switch (record.kind) {
      case Kind::woken: record.join.emplace(runtime_->spawn(woken(world_, record, Life{record}))); return;
      case Kind::reading:
        record.one_byte = (what & 32) != 0;
        if (detail % 2 != 0) record.patience = std::chrono::milliseconds{detail};
        record.join.emplace(runtime_->spawn(reading(world_, record, source_for(record), Life{record})));
        return;
      case Kind::sleeping:
        record.join.emplace(runtime_->spawn(sleeping(world_, record, std::chrono::milliseconds{detail}, Life{record})));
        return;
      case Kind::joining:
        record.children = detail;
        record.join.emplace(runtime_->spawn(joining(world_, record, Life{record})));
        return;
    }
  }

  /// A pipe of its own; for who takes one byte and leaves the rest that of the reader before it, if that reads still.
  std::shared_ptr<AsyncFd> source_for(Record& record) {
    if (auto shared = record.one_byte ? newest_source_.lock() : nullptr) {
      record.fd = newest_fd_;
      record.shares = true;
      return shared;
    }
    record.fd = newest_fd_ = kernel_.open_pipe();
    auto source = std::make_shared<AsyncFd>(AsyncFd::borrow(*runtime_, record.fd));
    newest_source_ = source;
    return source;
  }

  Task<> root() { co_await stop_.wait(); }

  // --- the actors -------------------------------------------------------------------------------------------------------------

  void act(std::size_t actor) {
    for (const std::uint8_t act : plan_.acts[actor]) {
      simulation_.step();
      const std::size_t i = act / 8 % task_count;
      const unsigned detail = act / 32;
      Record& record = records_[i];
      const bool has_handle = record.join.has_value() && i % actor_count == actor;  // a handle is one thread's at a time
      switch (act % 8) {
        case 0:
        case 1: wake(record); break;
        case 2:
          if (record.kind == Kind::reading) kernel_.put(record.fd, detail + 1);
          break;
        case 3:
          if (has_handle) cancel(record);
          break;
        case 4:
          if (has_handle) record.join.reset();
          break;
        case 5:
          if (has_handle && may_wait()) wait_for(*std::exchange(record.join, std::nullopt));
          break;
        case 6: spawn_child(static_cast<int>(detail)); break;
        case 7: simulation_.pass_time(std::chrono::milliseconds{detail + 1}); break;
      }
    }
  }

  void wake(Record& record) {
    if (!record.waker) return;
    ++record.asked;
    ++world_.wakes;
    record.waker.wake();
  }

  void cancel(Record& record) {
    const bool in_time = !record.join->done();
    record.join->cancel();
    record.cancel_returned = in_time;
  }

  static void wait_for(JoinHandle<int> handle) {
    try {
      (void)handle.wait();
    } catch (const TaskCancelled&) {
    }
  }

  void spawn_child(int detail) {
    JoinHandle<int> handle = runtime_->spawn(child(detail / 2, ChildLife{world_}));
    if (detail % 2 != 0 && may_wait()) wait_for(std::move(handle));
  }

  /// What other threads ask of a confined runtime after its shutdown is answered when it is destroyed, and this run waits for the
  /// actors before.
  bool may_wait() const { return !plan_.ends_early || plan_.configuration.capabilities.migration; }

  // --- the conductor ------------------------------------------------------------------------------------------------------------

  void conduct() {
    if (!plan_.ends_early) {
      simulation_.wait_until_quiet();
      demand_no_wake_lost();
      settle();
      demand_no_wake_lost();
      demand_no_event_lost();
      if (plan_.tasks_return) end_tasks();
    }
    stop_.set();
  }

  /// Everything that is due by now happens. Not at once: a reactor whose driver runs tasks is unattended for up to two periods of
  /// its watcher.
  void settle() {
    for (int round = 0; round < 4; ++round) {
      simulation_.pass_time(250ms);
      simulation_.wait_until_quiet();
    }
  }

  void end_tasks() {
    world_.ending = true;
    for (std::size_t round = 0; round < task_count; ++round) {
      for (Record& record : records_) {
        if (record.ended) continue;
        if (record.kind == Kind::woken) wake(record);
        if (record.kind == Kind::reading) kernel_.put(record.fd, 1);
      }
      settle();
      for (const Record& record : records_)
        demand(record.ended || another_may_have_read(record), "a task doesn't return although it was woken");
    }
    for (const Record& record : records_) demand(record.ended, "a reader doesn't return although nobody else reads");
  }

  /// What was meant for this one; then it is asked once more.
  bool another_may_have_read(const Record& record) const {
    return record.kind == Kind::reading && std::ranges::count(records_, record.fd, &Record::fd) > 1 && kernel_.unread(record.fd) == 0;
  }

  /// REQUIRES: nobody can go on, as things are.
  void demand_no_wake_lost() {
    demand(world_.children == 0, "a task that is ready doesn't run");
    demand(world_.polls <= world_.wakes + world_.late_joins, "a task is polled although nobody woke it");
    for (const Record& record : records_) {
      demand(record.begun || record.ended, "a spawned task doesn't run");
      demand(record.ended || !record.cancel_returned, "a cancelled task doesn't end");
      demand(record.ended || record.asked == record.answered, "a wake was lost");
    }
  }

  /// REQUIRES: settled.
  void demand_no_event_lost() {
    for (const Record& record : records_) {
      demand(record.ended || record.kind != Kind::sleeping, "a timer was lost");
      demand(record.ended || record.kind != Kind::reading || kernel_.unread(record.fd) == 0, "an edge was lost");
    }
  }

  void drop_handles() {
    for (Record& record : records_) record.join.reset();
  }

  const Plan& plan_;
  Simulation& simulation_;
  SimulatedKernel& kernel_;
  AutoResetEvent stop_;
  std::unique_ptr<IRuntime> runtime_;
  World world_;
  std::array<Record, task_count> records_;
  std::weak_ptr<AsyncFd> newest_source_;
  int newest_fd_ = -1;
};

}  // namespace

void run(std::span<const std::uint8_t> bytes) {
  Input input{bytes};
  const Plan plan{input};
  Simulation simulation{input};
  SimulatedKernel kernel;
  {
    Run run{plan, simulation, kernel};
    run.go();
  }
  simulate_end_of_process();
}

}  // namespace reactorlab::fuzz
