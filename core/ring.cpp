#include "core/ring.hpp"

#include <algorithm>
#include <cstring>

#include "core/error.hpp"
#include "core/mutation.hpp"
#include "core/sys_uring.hpp"

namespace reactorlab {
namespace {

constexpr const char* remedy_of(int error) noexcept {
  switch (error) {
    case ENOSYS: return "this kernel has no io_uring; use --backend=epoll";
    case EPERM:
      return "io_uring is forbidden here (sysctl kernel.io_uring_disabled, or a container's seccomp profile); use --backend=epoll";
    case EINVAL: return "this kernel's io_uring is too old, 6.1 is needed; use --backend=epoll";
    case EMFILE:
    case ENFILE: return "raise the limit of open files (ulimit -n) or close some";
    case ENOMEM: return "free memory, or raise the limit of locked memory (ulimit -l)";
    default: return "use --backend=epoll";
  }
}

std::uint32_t flags_of(RingUse use) noexcept {
  constexpr std::uint32_t common = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL;
  // A shared ring isn't COOP_TASKRUN: a request completes on the thread that submitted it, and one that computes for long would
  // delay everybody's events.
  return use == RingUse::one_thread ? common | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN : common;
}

/// What a call brings at least, if there is so much, of what a ring of one thread has put off.
constexpr unsigned at_once = 20;

// For how long a close waits for a thread that the machine doesn't let run.
constexpr int most_looks = 1'000, look_ms = 1;

// What happened before an entry was queued happens before its completion is read. TSan doesn't see the kernel between them.
#if REACTORLAB_SANITIZED
Atomic<unsigned> seen_by_sanitizers{0};
#endif
void entering() noexcept {
#if REACTORLAB_SANITIZED
  seen_by_sanitizers.fetch_add(1, release);
#endif
}
void entered() noexcept {
#if REACTORLAB_SANITIZED
  (void)seen_by_sanitizers.load(acquire);
#endif
}

}  // namespace

Ring::Ring(RingUse use, RingSizes sizes) : use_{use} {
  params_.flags = flags_of(use);
  params_.cq_entries = sizes.completions;
  const long fd = sys::io_uring_setup(sizes.submissions, &params_);
  if (fd < 0) throw_errno(static_cast<int>(-fd), "io_uring_setup", remedy_of(static_cast<int>(-fd)));
  fd_.reset(static_cast<int>(fd));
  constexpr std::uint32_t needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG;
  if ((params_.features & needed) != needed) throw_errno(EINVAL, "io_uring_setup", remedy_of(EINVAL));

  const std::size_t cq_size = params_.cq_off.cqes + params_.cq_entries * sizeof(io_uring_cqe);
  const std::size_t sq_size = params_.sq_off.array + params_.sq_entries * sizeof(std::uint32_t);
  queues_size_ = cq_size > sq_size ? cq_size : sq_size;
  queues_ = static_cast<std::byte*>(sys::map_ring(fd_.get(), queues_size_, IORING_OFF_SQ_RING));
  if (!queues_) throw_errno(ENOMEM, "mapping a ring", remedy_of(ENOMEM));
  sqes_ = static_cast<io_uring_sqe*>(sys::map_ring(fd_.get(), params_.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
  if (!sqes_) {
    sys::release_addresses(queues_, queues_size_);
    throw_errno(ENOMEM, "mapping a ring", remedy_of(ENOMEM));
  }
  cqes_ = reinterpret_cast<const io_uring_cqe*>(queues_ + params_.cq_off.cqes);
  completion_mask_ = params_.cq_entries - 1;
  // The entry number i is always in place i.
  auto* const array = reinterpret_cast<std::uint32_t*>(queues_ + params_.sq_off.array);
  for (std::uint32_t i = 0; i < params_.sq_entries; ++i) array[i] = i;
  if (use_ == RingUse::one_thread) keep_some();
}

Ring::~Ring() {
  sys::release_addresses(sqes_, params_.sq_entries * sizeof(io_uring_sqe));
  sys::release_addresses(queues_, queues_size_);
}

/// So that the first wait brings a whole batch, too.
void Ring::keep_some() noexcept {
  while (tail_ != most_kept() && queue_nothing()) {
  }
  (void)submit(publish());
  consume(ready());
}

io_uring_sqe* Ring::queue() noexcept {
  if (queued() == params_.sq_entries) return nullptr;
  io_uring_sqe* const entry = &sqes_[tail_++ & (params_.sq_entries - 1)];
  std::memset(entry, 0, sizeof *entry);
  return entry;
}

void Ring::unqueue() noexcept {
  --tail_;
  (void)publish();
}

unsigned Ring::publish() noexcept {
  word_at(params_.sq_off.tail).store(tail_, release);
  return queued();
}

IoResult Ring::submit(unsigned count, bool and_work) noexcept {
  entering();
  const long n = sys::io_uring_enter(fd_.get(), count, 0, and_work ? IORING_ENTER_GETEVENTS : 0);
  return n < 0 ? IoResult{n} : IoResult{0};
}

IoResult Ring::wait(unsigned count, int timeout_ms) noexcept {
  // A call for one completion brings 20 at most of what a ring of one thread has put off, one for more brings as many, and sleeps
  // until they are there. But the kernel counts what is in the queue, and completions that were read are there until they are given
  // back. So as many are kept that the next new one is the last of a whole batch.
  const unsigned kept = use_ == RingUse::one_thread ? std::min(next_ - completion_head_, most_kept()) : 0;
  completion_head_ = next_ - kept;
  word_at(params_.cq_off.head).store(completion_head_, release);
  const unsigned before = ready();
  const bool lossy = mutated(Mutant::overflow_ignored) && (word_at(params_.sq_off.flags).load(relaxed) & IORING_SQ_CQ_OVERFLOW);
  __kernel_timespec limit{timeout_ms / 1'000, timeout_ms % 1'000 * 1'000'000L};
  io_uring_getevents_arg argument{};
  if (timeout_ms > 0) argument.ts = reinterpret_cast<std::uintptr_t>(&limit);
  entering();
  constexpr unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
  long n = sys::io_uring_enter(fd_.get(), count, timeout_ms == 0 ? 0 : kept + 1, flags, &argument);
  // It may have left some. One that is there at once makes the rest of a batch come without a wait.
  if (timeout_ms == 0 && n >= 0 && use_ == RingUse::one_thread && ready() - before >= at_once && queue_nothing()) {
    n = sys::io_uring_enter(fd_.get(), publish(), kept + 1, flags, &argument);
  }
  entered();
  if (lossy && before == 0) consume(ready());
  return n < 0 ? IoResult{n} : IoResult{0};
}

// A request ends on the thread that submitted it, when the kernel next runs there: asleep, it has to be woken first. Looking takes
// the lock that is held until that request has let go of its file, so who doesn't find it may close that, and is the last who has it.
void Ring::await_end(std::uint64_t user_data) const noexcept {
  for (int look = 0; look != most_looks; ++look) {
    const std::uint32_t seen = completion_tail().load(acquire);
    const long found = sys::end_request(fd_.get(), user_data, look_ms);
    if (found != 0 && found != -EALREADY && found != -EINTR && found != -ETIME) return;
    __kernel_timespec limit{0, look_ms * 1'000'000L};
    io_uring_getevents_arg argument{};
    argument.ts = reinterpret_cast<std::uintptr_t>(&limit);
    const std::uint32_t unread = seen - word_at(params_.cq_off.head).load(relaxed);
    (void)sys::io_uring_enter(fd_.get(), 0, unread + 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument);
  }
}

bool Ring::queue_nothing() noexcept {
  io_uring_sqe* const entry = queue();
  if (!entry) return false;
  entry->opcode = IORING_OP_NOP;
  entry->user_data = nothing;
  return true;
}

unsigned Ring::most_kept() const noexcept { return std::min(params_.sq_entries, params_.cq_entries / 2) - 1; }

}  // namespace reactorlab
