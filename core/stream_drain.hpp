#pragma once
// What a stream may conclude from a short read: the one place where kinds of streams differ in it.

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/mutation.hpp"
#include "core/sync.hpp"
#include "core/task_arena.hpp"

namespace reactorlab {

/// What a stream remembers for its readers: after a read that came back short, a TCP stream is empty, so the next read needn't
/// ask the kernel to be told EAGAIN (epoll(7)); data that comes later brings an edge. Urgent data is the exception, see
/// poller_epoll.cpp. Where readers may run on several threads the memory could be stale, so there a second reading task ends it
/// for good.
template <bool confined>
class DrainMemory {
 public:
  DrainMemory() noexcept = default;
  DrainMemory(DrainMemory&&) noexcept {}
  DrainMemory& operator=(DrainMemory&&) noexcept {
    reset();
    return *this;
  }
  void reset() noexcept {
    if constexpr (!confined) reader_.store(nobody, relaxed);
    drained_.store(false, relaxed);
  }

  /// Asked once per read.
  [[gnu::always_inline]] bool known_empty(const TaskHeader& task) noexcept {
    if constexpr (!confined) {
      const std::uint32_t reader = reader_.load(relaxed);
      const std::uint32_t me = TaskArena::offset_of(task);
      if (reader != me) [[unlikely]] {
        reader_.store(reader == nobody ? me : several, relaxed);
        return false;
      }
    }
    return drained_.load(relaxed);
  }
  /// A read was given up while it waited: the edge that it may have been given mustn't be missed by the next one.
  void forget() noexcept { drained_.store(false, relaxed); }
  void note(std::size_t read, std::size_t asked) noexcept {
    drained_.store(read < asked || mutated(Mutant::readiness_cleared_when_reported), relaxed);
  }

 private:
  static constexpr std::uint32_t nobody = 0, several = 1;  // no arena offset of a task
  struct Nothing {};

  Atomic<bool> drained_{false};
  [[no_unique_address]] std::conditional_t<confined, Nothing, Atomic<std::uint32_t>> reader_{};
};

/// For streams that may hold bytes after a short read without a second edge to come: one that can carry ancillary data ends a
/// read at each piece of it. Nothing is concluded, and a reader parks only after the kernel has said EAGAIN.
struct NoDrainMemory {
  void reset() noexcept {}
  bool known_empty(const TaskHeader&) const noexcept { return false; }
  void forget() noexcept {}
  void note(std::size_t, std::size_t) noexcept {}
};

}  // namespace reactorlab
