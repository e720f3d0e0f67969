#pragma once
// The calls under way on a runtime in which a task may delete it, and whether one has: the last of them then ends it.

#include <cstdint>

#include "core/sync.hpp"

namespace reactorlab {

class CallsUnderWay {
 public:
  void enter() noexcept { state_.fetch_add(1, relaxed); }
  /// {1, deleted} -> {0, deleted}: true, the end is the caller's. Losing: others are inside still, or nobody has deleted it.
  bool leave() noexcept { return state_.fetch_sub(1, acq_rel) == (deleted | 1); }

  /// Inside one of its tasks. {n, living} -> {n, deleted}. True: whoever leaves last ends it. The losing branch, n = 0: nobody
  /// will come by, the end is the caller's to arrange.
  bool defer_end() noexcept { return state_.fetch_or(deleted, acq_rel) != 0; }

  bool any() const noexcept { return (state_.load(relaxed) & ~deleted) != 0; }

 private:
  static constexpr std::uint32_t deleted = 1u << 31;
  Atomic<std::uint32_t> state_{0};  // deleted(1) | calls(31)
};

}  // namespace reactorlab
