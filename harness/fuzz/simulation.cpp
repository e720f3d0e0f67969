#include "harness/fuzz/simulation.hpp"

#include <cxxabi.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#include <algorithm>
#include <utility>

#include "core/stealing_executor.hpp"
#include "reactorlab/homes.hpp"

namespace reactorlab::fuzz {
namespace {

constexpr std::size_t stack_bytes = 256 * 1024;

// Far beyond what a run of a few operations needs.
constexpr std::size_t most_steps = 2'000'000, most_time_moves = 2'000;

/// What the C++ runtime knows of a thread's exceptions (Itanium C++ ABI, 2.2.2).
struct ExceptionGlobals {
  void* caught = nullptr;
  unsigned uncaught = 0;
};

/// The thread_local pointers of the library and of the C++ runtime, each thread's own. (Pools may be anybody's: a pool is never
/// looked into across a step.)
struct ThreadLocals {
  ExceptionGlobals exceptions;
  Executor* executor = nullptr;
  Worker* worker = nullptr;
  LocalReactor* reactor = nullptr;
  const std::byte* registrations = nullptr;

  /// What this thread sees from now on, in exchange for what the last one saw.
  void exchange() noexcept {
    std::swap(exceptions, *reinterpret_cast<ExceptionGlobals*>(abi::__cxa_get_globals()));
    std::swap(executor, confined_executor);
    std::swap(worker, current_worker);
    std::swap(reactor, thread_local_home::here);
    std::swap(registrations, thread_local_home::registrations_here);
  }
};

/// Stacks are used again: mapping one costs more than a run.
class Stacks {
 public:
  std::unique_ptr<std::byte[]> take() {
    if (spare_.empty()) return std::make_unique_for_overwrite<std::byte[]>(stack_bytes);
    auto stack = std::move(spare_.back());
    spare_.pop_back();
    return stack;
  }
  void put(std::unique_ptr<std::byte[]> stack) {
    __asan_unpoison_memory_region(stack.get(), stack_bytes);  // what was on it was never unwound to the end
    spare_.push_back(std::move(stack));
  }

 private:
  std::vector<std::unique_ptr<std::byte[]>> spare_;
} stacks;

Simulation* simulated = nullptr;

}  // namespace

struct Simulation::Fiber {
  std::size_t number = 0;
  State state = State::runs;
  const void* address = nullptr;   // that it sleeps on
  std::uint64_t until_ns = 0;      // while it sleeps
  std::uint64_t asleep_since = 0;  // in sleeps, for the order of wakes
  std::function<void()> code;
  ThreadLocals locals;

  ucontext_t context{};
  std::unique_ptr<std::byte[]> stack;  // thread 0: none
  const void* stack_bottom = nullptr;  // as the sanitizer wants to know it
  std::size_t stack_size = 0;
  void* fake_stack = nullptr;
};

Simulation::Simulation(Input& schedule) : input_{schedule} {
  fibers_.push_back(std::make_unique<Fiber>());
  running_ = fibers_.front().get();
  simulated = this;
  simulation::schedule = this;
  clock::source = this;
  plan_interruption();
}

Simulation::~Simulation() {
  demand(running_->number == 0, "the simulation ends on another thread than it began on");
  simulation::schedule = nullptr;
  clock::source = nullptr;
  for (auto& fiber : fibers_) {
    if (!fiber->stack) continue;
    demand(fiber->state == State::ended, "a thread is left at the end");
    stacks.put(std::move(fiber->stack));
  }
}

// --- who runs -----------------------------------------------------------------------------------------------------------------

void Simulation::plan_interruption() noexcept {
  // Short intervals are where the races are; long ones get a thread past what it does at its start.
  static constexpr std::size_t intervals[] = {1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 23, 32, 48, 80, 150, 300};
  interrupted_at_ = SIZE_MAX;
  if (input_.empty()) return;
  const std::uint8_t plan = input_.byte_from_back();
  interrupted_at_ = steps_ + intervals[plan % 16];
  interrupted_by_ = plan / 16;
}

void Simulation::step() noexcept {
  demand(++steps_ < most_steps, "threads run in circles: nothing new happens");
  if (steps_ < interrupted_at_) return;
  Fiber* const next = next_from(interrupted_by_ % fibers_.size());
  plan_interruption();
  if (next && next != running_) switch_to(*next);
}

void Simulation::give_way() noexcept {
  demand(++steps_ < most_steps, "threads run in circles: nothing new happens");
  Fiber* const next = next_from((running_->number + 1) % fibers_.size());
  if (next != running_) return switch_to(*next);
  // A loop that nobody can end: time has to.
  move_time_on();
}

bool Simulation::can_go_on(const Fiber& fiber) const noexcept {
  return fiber.state == State::runs || (fiber.state == State::sleeps && fiber.until_ns <= now_ns_);
}

Simulation::Fiber* Simulation::next_from(std::size_t from) noexcept {
  for (std::size_t i = 0; i < fibers_.size(); ++i) {
    Fiber& fiber = *fibers_[(from + i) % fibers_.size()];
    if (can_go_on(fiber)) return &fiber;
  }
  return nullptr;
}

void Simulation::let_others_go_on() noexcept {
  for (;;) {
    const std::size_t from = steps_ < interrupted_at_ ? running_->number + 1 : interrupted_by_;
    if (Fiber* const next = next_from(from % fibers_.size())) {
      next->state = State::runs;
      if (next != running_) switch_to(*next);
      return;
    }
    const auto waiting = std::ranges::find(fibers_, State::waits_for_quiet, [](const auto& fiber) { return fiber->state; });
    if (waiting != fibers_.end()) {
      (*waiting)->state = State::runs;
    } else {
      move_time_on();
    }
  }
}

void Simulation::move_time_on() noexcept {
  std::uint64_t earliest = UINT64_MAX;
  for (const auto& fiber : fibers_) {
    if (fiber->state == State::sleeps) earliest = std::min(earliest, fiber->until_ns);
  }
  demand(earliest != UINT64_MAX || running_->state == State::runs, "every thread sleeps, and nothing will ever wake one");
  demand(++time_moved_ < most_time_moves, "time goes by, and nothing new happens");
  now_ns_ = std::max(now_ns_, earliest == UINT64_MAX ? now_ns_ + 1'000'000 : earliest);
}

void Simulation::wait_until_quiet() noexcept {
  running_->state = State::waits_for_quiet;
  let_others_go_on();
}

// --- sleeping and waking ------------------------------------------------------------------------------------------------------

void Simulation::sleep(const void* address, std::int64_t nanoseconds) noexcept {
  running_->state = State::sleeps;
  running_->address = address;
  running_->until_ns = nanoseconds == for_ever ? UINT64_MAX : now_ns_ + static_cast<std::uint64_t>(nanoseconds);
  running_->asleep_since = ++steps_;
  let_others_go_on();
}

void Simulation::wake(const void* address, int count) noexcept {
  while (count-- > 0) {
    Fiber* first = nullptr;
    for (const auto& fiber : fibers_) {
      if (fiber->state != State::sleeps || fiber->address != address) continue;
      if (!first || fiber->asleep_since < first->asleep_since) first = fiber.get();
    }
    if (!first) return;
    first->state = State::runs;
  }
}

// --- threads ------------------------------------------------------------------------------------------------------------------

std::size_t Simulation::start(std::function<void()> code) {
  auto fiber = std::make_unique<Fiber>();
  fiber->number = fibers_.size();
  fiber->code = std::move(code);
  fiber->stack = stacks.take();
  fiber->stack_bottom = fiber->stack.get();
  fiber->stack_size = stack_bytes;
  ::getcontext(&fiber->context);
  fiber->context.uc_stack.ss_sp = fiber->stack.get();
  fiber->context.uc_stack.ss_size = stack_bytes;
  ::makecontext(&fiber->context, &Simulation::enter, 0);
  fibers_.push_back(std::move(fiber));
  step();
  return fibers_.size() - 1;
}

void Simulation::enter() noexcept {
  Simulation& self = *simulated;
  Fiber& me = *self.running_;
  const void* bottom;
  std::size_t size;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &size);
  Fiber& first = *self.fibers_.front();
  if (!first.stack_bottom) {  // thread 0's stack is known from the first switch away from it
    first.stack_bottom = bottom;
    first.stack_size = size;
  }
  me.code();
  me.code = nullptr;
  me.state = State::ended;
  self.wake(&me, 1);
  self.let_others_go_on();
  fail("an ended thread goes on");
}

void Simulation::join(std::size_t thread) noexcept {
  Fiber& other = *fibers_[thread];
  step();
  while (other.state != State::ended) sleep(&other, for_ever);
}

void Simulation::switch_to(Fiber& next) noexcept {
  Fiber& me = *running_;
  next.state = State::runs;
  me.locals.exchange();
  next.locals.exchange();
  running_ = &next;
  __sanitizer_start_switch_fiber(me.state == State::ended ? nullptr : &me.fake_stack, next.stack_bottom, next.stack_size);
  ::swapcontext(&me.context, &next.context);
  __sanitizer_finish_switch_fiber(me.fake_stack, nullptr, nullptr);
}

}  // namespace reactorlab::fuzz
