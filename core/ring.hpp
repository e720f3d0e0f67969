#pragma once
// A thin io_uring: set-up, the submission queue, the completion queue. liburing's calls enter the kernel past the seam, so only the
// kernel's own structures are used (docs/decisions/0022). Unsynchronised: the submission side under its owner's exclusion, the
// completion side by one thread at a time; the two sides may run beside each other.

#include <linux/io_uring.h>

#include <cstdint>

#include "core/backend.hpp"
#include "core/fd.hpp"
#include "core/sync.hpp"
#include "core/types.hpp"

namespace reactorlab {

/// Entries of its queues; powers of two.
struct RingSizes {
  unsigned submissions = 256;
  unsigned completions = 4096;  ///< more aren't lost, they wait in the kernel
  unsigned buffers = 128;       ///< for what is received, of those that complete receives
};

class Ring {
 public:
  /// Throws std::system_error with cause and remedy.
  explicit Ring(RingUse use, RingSizes sizes = {});
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// A completion of this name says nothing.
  static constexpr std::uint64_t nothing = ~std::uint64_t{0};

  int fd() const noexcept { return fd_.get(); }
  RingUse use() const noexcept { return use_; }

  // --- the submission side ----------------------------------------------------------------------------------------------

  /// A zeroed entry, queued; nullptr if the queue is full. The kernel sees it once it was published, and takes it at a submit() or
  /// wait() for so many.
  io_uring_sqe* queue() noexcept;
  /// Takes the last entry back, which must not have been submitted.
  void unqueue() noexcept;
  unsigned queued() const noexcept { return tail_ - head().load(acquire); }
  /// How many submit() or wait() is to take: all that are queued.
  unsigned publish() noexcept;

  // --- both ---------------------------------------------------------------------------------------------------------------

  /// 0, or -errno: what was queued stays so. `and_work`: does what the ring has put off, too.
  IoResult submit(unsigned count, bool and_work = false) noexcept;
  /// Submits, then waits for a completion, up to `timeout_ms`; -1: without limit, 0: doesn't wait. 0 or -errno, and whatever it
  /// says, look at the completions.
  IoResult wait(unsigned count, int timeout_ms) noexcept;

  // --- any thread, of a ring of any thread ------------------------------------------------------------------------------

  /// Until a request of that name that is being cancelled has let go of its file; a second at most.
  void await_end(std::uint64_t user_data) const noexcept;

  // --- the completion side ----------------------------------------------------------------------------------------------

  /// How many can be read now.
  unsigned ready() const noexcept { return completion_tail().load(acquire) - next_; }
  /// The number `index` of them.
  const io_uring_cqe& completion(unsigned index) const noexcept { return cqes_[(next_ + index) & completion_mask_]; }
  /// The first `count` have been read.
  void consume(unsigned count) noexcept { next_ += count; }

 private:
  bool queue_nothing() noexcept;
  void keep_some() noexcept;
  unsigned most_kept() const noexcept;

  Atomic<std::uint32_t>& word_at(std::uint32_t offset) const noexcept {
    return *reinterpret_cast<Atomic<std::uint32_t>*>(queues_ + offset);
  }
  Atomic<std::uint32_t>& head() const noexcept { return word_at(params_.sq_off.head); }
  Atomic<std::uint32_t>& completion_tail() const noexcept { return word_at(params_.cq_off.tail); }

  const RingUse use_;
  io_uring_params params_{};
  UniqueFd fd_;
  std::byte* queues_ = nullptr;  ///< both queues' heads and tails, and the completions
  std::size_t queues_size_ = 0;
  io_uring_sqe* sqes_ = nullptr;
  std::uint32_t tail_ = 0;  ///< the submission queue's; the kernel's copy is written by submit()
  const io_uring_cqe* cqes_ = nullptr;
  std::uint32_t completion_mask_ = 0;
  std::uint32_t next_ = 0;             ///< the first completion that wasn't read
  std::uint32_t completion_head_ = 0;  ///< the first one that wasn't given back to the kernel
};

}  // namespace reactorlab
