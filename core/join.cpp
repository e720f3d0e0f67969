#include "core/join.hpp"

#include "core/sys.hpp"

namespace reactorlab {

void Parker::unpark() noexcept {
  released_.store(1, release);
  sys::futex_wake(released_);  // the waiter may be gone by now: only the address is used
}

void Parker::park() noexcept {
  while (!released_.load(acquire)) sys::futex_wait(released_, 0);
}

void Parker::nap() noexcept {
  constexpr std::int64_t moment_ns = 1'000'000;
  const Atomic<std::uint32_t> nobody{0};
  sys::futex_wait_for(nobody, 0, moment_ns);
}

namespace join {

void complete(TaskHeader& task) noexcept {
  if (mutated(Mutant::late_result_lost) && task.join.load(relaxed) == TaskHeader::join_none) result::drop(task);
  if (mutated(Mutant::cancel_overrides_result) && (task.wakes.load(relaxed) & TaskHeader::cancel_bit)) result::drop(task);
  // none -> done: the handle frees the header. joiner -> done: it is woken and frees it. detached -> done: nobody else, we do.
  std::uint64_t before;
  if (task.kind == TaskKind::confined) {
    before = task.join.load(relaxed);
    task.join.store(TaskHeader::join_done, release);
  } else {
    before = task.join.exchange(TaskHeader::join_done, acq_rel);
  }
  if (before == TaskHeader::join_none) return;
  if (before != TaskHeader::join_detached) return Waker::from_bits(before).wake();
  if (!mutated(Mutant::detached_result_leaked)) result::drop(task);
  task.executor.load(relaxed)->reclaim(task);
}

void abandon_otherwise(TaskHeader& task) noexcept {
  if (mutated(Mutant::detach_cancels) && !is_done(task)) cancel(task);
  Executor* const executor = task.executor.load(relaxed);
  if (task.kind == TaskKind::shared) {
    // done: the executor has left, nobody else writes. none -> detached: it frees the header when the task ends. The losing
    // branch, done -> detached: it ended meanwhile, we came last.
    if (!is_done(task) && task.join.exchange(TaskHeader::join_detached, acq_rel) != TaskHeader::join_done) return;
    result::drop(task);
    retire(task);
    return shared_headers().put(task);
  }
  if (executor && executor == confined_executor) {  // at home, and not finished
    task.join.store(TaskHeader::join_detached, relaxed);
    return;
  }
  if (request_remotely(task, task.generation(), TaskHeader::remote_detach)) return;
  result::drop(task);  // orphaned: the executor is gone, the task was finished by its shutdown
  // {generation, orphan} -> {generation + 1, idle} in one step: a waker that comes meanwhile finds an orphan, or another life.
  retire(task);
  put_confined_header(task);
}

bool subscribe_shared(TaskHeader& task, Waker joiner) noexcept {
  // none -> joiner: the executor will wake it. The losing branch: done already.
  std::uint64_t expected = TaskHeader::join_none;
  return task.join.compare_exchange_strong(expected, joiner.bits(), acq_rel, acquire);
}

void unsubscribe(TaskHeader& task) noexcept {
  if (mutated(Mutant::abandoned_joiner_kept)) return;
  std::uint64_t expected = task.join.load(relaxed);
  if (expected == TaskHeader::join_done) return;
  if (task.kind == TaskKind::confined) return task.join.store(TaskHeader::join_none, relaxed);
  // joiner -> none. The losing branch: done, and a wake that is spurious is under way to us.
  task.join.compare_exchange_strong(expected, TaskHeader::join_none, acq_rel, relaxed);
}

}  // namespace join
}  // namespace reactorlab
