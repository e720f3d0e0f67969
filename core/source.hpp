#pragma once
// The registered descriptor inside every handle: reaches the reactor, owns the registration, closes in the right order.

#include <utility>

#include "core/reactor_ref.hpp"

namespace reactorlab {

template <ReactorRef Ref>
class Source {
 public:
  explicit Source(Ref ref) noexcept : ref_{std::move(ref)} {}
  Source(Source&& other) noexcept
      : ref_{other.ref_},
        slot_{std::exchange(other.slot_, nullptr)},
        fd_{std::exchange(other.fd_, -1)},
        fate_{other.fate_},
        completes_{std::exchange(other.completes_, false)} {}
  Source& operator=(Source&& other) noexcept {
    if (this != &other) {
      close();
      ref_ = other.ref_;
      slot_ = std::exchange(other.slot_, nullptr);
      fd_ = std::exchange(other.fd_, -1);
      fate_ = other.fate_;
      completes_ = std::exchange(other.completes_, false);
    }
    return *this;
  }
  ~Source() { close(); }

  /// Registers a non-blocking descriptor. After an error nothing of it is left, and `fd` is still the caller's.
  IoResult open(int fd, SourceKind kind, Interest interest, FdFate fate) noexcept {
    const IoResult added = ref_.add(fd, kind, interest, slot_);
    if (added) {
      fd_ = fd;
      fate_ = fate;
      completes_ = slot_->completes;
    }
    return added;
  }

  /// Deregisters, then closes or lets go of the descriptor. Operations parked on it, of whatever task, give -EBADF. Idempotent.
  void close() noexcept {
    if (slot_) deregister();
  }

  int fd() const noexcept { return fd_; }
  bool is_open() const noexcept { return slot_ != nullptr; }
  Registration& slot() const noexcept { return *slot_; }
  const Ref& ref() const noexcept { return ref_; }
  /// Who completes its operations; nullptr: they make their system calls themselves.
  [[gnu::always_inline]] Completions* completions() const noexcept { return completes_ ? Slab::completions_of(*slot_) : nullptr; }

  // --- what leaf operations ask for ---------------------------------------------------------------------------------------

  /// For a direction that the registration may not ask the kernel for yet.
  [[gnu::always_inline]] Armed arm(Direction direction, TaskHeader& task, std::uint64_t& identity) noexcept {
    if (!covers(slot_->interest.load(relaxed), interest_of(direction))) [[unlikely]] {
      // Once in a connection's life, at its first full send buffer. The kernel then reports the present state as an edge.
      const IoResult widened = mutated(Mutant::widen_dropped) ? IoResult{0} : ref_.widen(*slot_, fd_, interest_of(direction));
      if (!widened) {
        identity = static_cast<std::uint64_t>(widened.error()) << 32;
        return widened.error() == EXDEV ? Armed::misplaced : Armed::unwidened;
      }
    }
    return arm_registered(direction, task, identity);
  }
  /// For a direction that it has asked for from the start.
  [[gnu::always_inline]] Armed arm_registered(Direction direction, TaskHeader& task, std::uint64_t& identity) noexcept {
    if (mutated(Mutant::arming_forgets_other_direction)) {
      auto& other = slot_->word(direction == Direction::read ? Direction::write : Direction::read);
      other.store(other.load(relaxed) & readiness::generation_mask, relaxed);
    }
    return ref_.arm(*slot_, direction, task, identity);
  }
  bool is_parked(Direction direction, const TaskHeader& task) const noexcept { return ref_.is_parked(*slot_, direction, task); }
  void disarm(Registration& slot, Direction direction, std::uint64_t identity, const TaskHeader& task) const noexcept {
    if (!mutated(Mutant::disarm_keeps_waiter)) ref_.disarm(slot, direction, identity, task);
  }

 private:
  // Out of line: inlined it would cost registers, at every resumption, in each coroutine that holds a handle.
  [[gnu::noinline]] void deregister() noexcept {
    if (mutated(Mutant::second_close_removes_again)) return ref_.remove(*slot_, fd_, fate_);
    completes_ = false;
    ref_.remove(*std::exchange(slot_, nullptr), std::exchange(fd_, -1), fate_);
  }

  [[no_unique_address]] Ref ref_;
  Registration* slot_ = nullptr;
  int fd_ = -1;
  FdFate fate_ = FdFate::close;
  bool completes_ = false;
};

}  // namespace reactorlab
