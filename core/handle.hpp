#pragma once
// What every socket handle is: a registered descriptor, and the answers that leaf operations want from it.

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
  void abandoned() noexcept {}

 protected:
  explicit Handle(Ref ref) noexcept : source_{std::move(ref)} {}

  [[no_unique_address]] Source<Ref> source_;  // its tail is used by what derives from a handle
};

}  // namespace reactorlab
