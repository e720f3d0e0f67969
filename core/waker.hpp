#pragma once
// Names a task so that anybody may wake it: arena offset and generation in one word. Trivially copyable, owns nothing, may
// outlive the task and its runtime. wake() is callable from any thread; a late one is at worst a spurious wake.

#include <cstdint>

#include "core/task_arena.hpp"
#include "core/task_header.hpp"

namespace reactorlab {

class Waker {
 public:
  constexpr Waker() noexcept = default;
  /// On a thread of the task, or on any as long as something that the task can't end without keeps it from ending: its join
  /// handle, or an exclusive section that its operation must enter first.
  [[gnu::always_inline]] explicit Waker(const TaskHeader& task) noexcept
      : bits_{(task.remote.load(relaxed) & ~std::uint64_t{UINT32_MAX}) | TaskArena::offset_of(task)} {
    if (task.kind == TaskKind::confined) task.kind.mark_waker_made();
  }

  /// The waker as a word whose low six bits are 0, and back: for places that keep flags beside it.
  static constexpr Waker from_bits(std::uint64_t bits) noexcept {
    Waker waker;
    waker.bits_ = bits;
    return waker;
  }
  constexpr std::uint64_t bits() const noexcept { return bits_; }

  constexpr explicit operator bool() const noexcept { return bits_ != 0; }
  friend constexpr bool operator==(Waker a, Waker b) noexcept { return a.bits_ == b.bits_; }

  /// Everything that was written before is visible to the task when it runs next, also if it was queued already.
  void wake() const noexcept;

  TaskHeader& header() const noexcept { return TaskArena::at(static_cast<std::uint32_t>(bits_)); }
  std::uint32_t generation() const noexcept { return static_cast<std::uint32_t>(bits_ >> 32); }

 private:
  std::uint64_t bits_ = 0;
};

static_assert(sizeof(Waker) == 8 && std::is_trivially_copyable_v<Waker>);

}  // namespace reactorlab
