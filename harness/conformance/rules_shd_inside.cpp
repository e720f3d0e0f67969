// SHD-09: the last owner of a runtime ends inside one of its own tasks. No waker and no edge can be the last owner: a waker owns
// nothing (SHD-06), and threads that only wait, or dispatch, run nobody's code.

#include <thread>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/tasks.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

namespace {

constexpr unsigned parked_tasks = 10;

Task<> park(IRuntime& rt, Witness) {
  auto handle = AsyncFd::own(rt, event_fd().release());
  (void)co_await handle.readable();
}

/// A runtime with tasks that never end by themselves; and what is left of it afterwards: nothing.
class Doomed {
 public:
  explicit Doomed(std::unique_ptr<IRuntime> rt) : owner{std::move(rt)} {
    for (unsigned i = 0; i < parked_tasks; ++i) owner->spawn(park(*owner, Witness{ends})).detach();
  }
  void expect_gone(const ProcessState& before) const {
    EXPECT_EQ(ends, parked_tasks);
    const ProcessState after = ProcessState::settled_like(before);
    EXPECT_EQ(after.descriptors, before.descriptors);
    EXPECT_EQ(after.threads, before.threads);
  }

  std::atomic<unsigned> ends{0};
  std::unique_ptr<IRuntime> owner;
};

/// Ends the last owner and goes on.
template <class Owner>
Task<int> end_it(Owner mine) {
  IRuntime& rt = *mine;
  mine.reset();
  co_await yield();
  EXPECT_EQ(co_await sleep(rt, 1us), IoResult{0});
  co_return 42;
}

}  // namespace

RULE(SHD_09, by_the_root) {
  make().reset();  // what a home makes once for the whole process is there from here on
  for (int round = 0; round < 5; ++round) {
    const ProcessState before = ProcessState::now();
    Doomed doomed{make()};
    IRuntime& rt = *doomed.owner;
    EXPECT_EQ(rt.block_on(end_it(std::move(doomed.owner))), 42);
    doomed.expect_gone(before);
  }
  EXPECT_EQ(make()->block_on([]() -> Task<int> { co_return 42; }()), 42);
}

RULE(SHD_09, by_another_task_of_the_run) {
  make().reset();
  const ProcessState before = ProcessState::now();
  Doomed doomed{make()};
  IRuntime& rt = *doomed.owner;
  std::shared_ptr<IRuntime> shared = std::move(doomed.owner);
  const int answer = rt.block_on([&]() -> Task<int> {
    auto task = rt.spawn(end_it(std::move(shared)));
    co_return co_await task;
  }());
  EXPECT_EQ(answer, 42);
  doomed.expect_gone(before);
}

/// The root throws once nobody owns its runtime any more.
RULE(SHD_09, by_a_root_that_throws) {
  make().reset();
  const ProcessState before = ProcessState::now();
  Doomed doomed{make()};
  IRuntime& rt = *doomed.owner;
  const auto root = [](std::unique_ptr<IRuntime> mine) -> Task<> {
    mine.reset();
    co_await yield();
    throw std::runtime_error{"the root's own"};
  };
  EXPECT_THROW(rt.block_on(root(std::move(doomed.owner))), std::runtime_error);
  doomed.expect_gone(before);
}

/// The owner lies in a frame that only a shutdown destroys: one that was polled, and one that wasn't.
RULE(SHD_09, by_a_frame_that_a_shutdown_destroys) {
  make().reset();
  for (const bool begins : {true, false}) {
    const ProcessState before = ProcessState::now();
    Doomed doomed{make()};
    IRuntime& rt = *doomed.owner;
    Count begun;
    const auto keep = [](std::unique_ptr<IRuntime>, Count& count) -> Task<> {
      count.add();
      co_await Forever{};
    };
    rt.spawn(keep(std::move(doomed.owner), begun)).detach();
    if (begins) {
      rt.block_on([&]() -> Task<> {
        while (begun.value() == 0) co_await yield();
      }());
    }
    rt.shutdown(Duration::zero());
    doomed.expect_gone(before);
  }
}

/// No call is under way that could end it when it returns.
RULE(SHD_09, outside_every_call) {
  NEEDS(migration);
  make().reset();
  for (int round = 0; round < 5; ++round) {
    const ProcessState before = ProcessState::now();
    Count begun, ended;
    const auto parked = [&]() -> Task<> {
      const AtEnd end{[&] { ended.add(); }};
      begun.add();
      co_await Forever{};
    };
    auto owner = make();
    IRuntime& rt = *owner;
    for (unsigned i = 0; i < parked_tasks; ++i) rt.spawn(parked()).detach();
    begun.wait_for(parked_tasks);  // who is destroyed unrun counts no end
    rt.spawn(end_it(std::move(owner))).detach();
    ended.wait_for(parked_tasks);
    while (ProcessState::now().threads > before.threads) std::this_thread::yield();  // the workers', and whose that ends them
    EXPECT_EQ(ProcessState::now().descriptors, before.descriptors);
  }
}

}  // namespace reactorlab::conformance
