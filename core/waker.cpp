#include "core/waker.hpp"

#include "core/executor.hpp"
#include "core/mutation.hpp"

namespace reactorlab {
namespace {

/// Puts requests into a confined task's remote word. {generation, idle} -> {generation, queued | requests}: ours to hand to the
/// inbox. {generation, queued} -> the same with the requests added: it is on its way already; still a read-modify-write, so that
/// what we wrote is published. Another generation: the task is gone, nothing happens (the losing branch).
/// Orphaned (its executor is gone, only a join handle holds it): nothing happens but the return value. Who is told so has seen all that
/// the executor did with the task.
enum class Posted : std::uint8_t { hand_over, under_way, gone, orphan };

Posted post(TaskHeader& task, std::uint32_t generation, std::uint64_t requests) noexcept {
  std::uint64_t word = task.remote.load(acquire);
  for (;;) {
    if (static_cast<std::uint32_t>(word >> 32) != generation) return Posted::gone;
    if (word & TaskHeader::remote_orphan) return Posted::orphan;
    const bool queued = word & TaskHeader::remote_queued;
    if (mutated(Mutant::queued_wake_unpublished) && queued) return Posted::under_way;
    if (task.remote.compare_exchange_weak(word, word | requests | TaskHeader::remote_queued, acq_rel, acquire)) {
      return queued ? Posted::under_way : Posted::hand_over;
    }
  }
}

}  // namespace

bool request_remotely(TaskHeader& task, std::uint32_t generation, std::uint64_t requests) noexcept {
  const Posted posted = post(task, generation, requests);
  // Handed over: the queued bit keeps the header, and so its executor, alive until the inbox has been drained.
  if (posted == Posted::hand_over) task.executor.load(acquire)->enqueue_remote(task);
  return posted != Posted::orphan;
}

void Waker::wake() const noexcept {
  if (!*this) return;
  TaskHeader& task = header();
  if (task.generation() != generation() && !mutated(Mutant::waker_without_generation)) return;
  if (task.kind == TaskKind::shared) return wake_shared(task);
  Executor* const mine = confined_executor;
  if (mine && task.executor.load(relaxed) == mine) return wake_confined(task, *mine);
  request_remotely(task, generation(), TaskHeader::remote_wake);
}

void cancel(TaskHeader& task) noexcept {
  if (task.kind == TaskKind::shared) {
    // 0 -> cancel: ours to enqueue; n -> n | cancel: it is queued or running and will be polled once more.
    if (task.wakes.fetch_or(TaskHeader::cancel_bit, acq_rel) == 0 && !mutated(Mutant::cancel_only_marks)) {
      task.executor.load(acquire)->enqueue(task);
    }
    return;
  }
  Executor* const mine = confined_executor;
  if (mine && task.executor.load(relaxed) == mine) {
    const std::uint32_t n = task.wakes.load(relaxed);
    task.wakes.store(n | TaskHeader::cancel_bit, relaxed);
    if (n == 0 && !mutated(Mutant::cancel_only_marks)) mine->enqueue(task);
    return;
  }
  request_remotely(task, task.generation(), TaskHeader::remote_cancel);
}

}  // namespace reactorlab
