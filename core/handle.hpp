#pragma once
// What every socket handle is: a registered descriptor, and the answers that leaf operations want from it.

#include "core/completions.hpp"
#include "core/source.hpp"

namespace reactorlab {

/// Move-only; not while an operation on it is parked. Handles derive from it, with at least read interest from the start.
template <class Ref>
class Handle {
 public:
  int fd() const noexcept { return source_.fd(); }
  bool is_open() const noexcept { return source_.is_open(); }

  // --- for leaf operations --------------------------------------------------------------------------------------------------

  Registration& slot() const noexcept { return source_.slot(); }
  template <Direction d>
  [[gnu::always_inline]] Armed arm(TaskHeader& task, std::uint64_t& identity) noexcept {
    if constexpr (d == Direction::read) return source_.arm_registered(d, task, identity);
    return source_.arm(d, task, identity);
  }
  bool is_parked(Direction d, const TaskHeader& task) const noexcept { return source_.is_parked(d, task); }
  void disarm(Registration& slot, Direction d, std::uint64_t identity, const TaskHeader& task) const noexcept {
    source_.disarm(slot, d, identity, task);
  }
  /// An operation was given up while it waited.
  void abandoned(Direction d, const TaskHeader& task) noexcept {
    if (d == Direction::write && source_.completions()) source_.completions()->abandon_send(slot(), task);
  }

  // --- their attempts: a system call, or a look at what the reactor has done of it --------------------------------------------

  [[gnu::always_inline]] Completions* completions() const noexcept { return source_.completions(); }
  [[gnu::always_inline]] long send_now(const TaskHeader& task, std::span<const std::byte> bytes) noexcept {
    if (Completions* const ring = completions()) [[unlikely]]
      return ring->send(slot(), task, bytes);
    return sys::send(fd(), bytes.data(), bytes.size());
  }
  long send_vector_now(std::span<const iovec> parts) noexcept {
    if (Completions* const ring = completions()) [[unlikely]]
      return ring->send_vector(slot(), parts);
    return sys::send_vector(fd(), parts.data(), parts.size());
  }

 protected:
  explicit Handle(Ref ref) noexcept : source_{std::move(ref)} {}

  [[no_unique_address]] Source<Ref> source_;  // its tail is used by what derives from a handle
};

}  // namespace reactorlab
