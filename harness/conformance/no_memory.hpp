#pragma once
// Allocations that fail because a test says so: operator new and the library's pools. What comes straight from the kernel (task
// headers, slots of registrations) is Script's: sys::Op::mmap, mprotect.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "core/memory.hpp"
#include "core/slab.hpp"
#include "harness/conformance/black_box.hpp"
#include "harness/conformance/script.hpp"

namespace reactorlab::conformance {

/// First thing in a body that takes memory away inside a task or on another thread: the body is skipped from its own stack only.
inline void need_failing_allocations() { need_seam("allocations that fail"); }

/// While it lives, the calling thread's allocation number `nth` (from 1) fails, that one only. Lives and dies on one thread, and
/// not across a suspension.
class NoMemory {
 public:
  explicit NoMemory(std::uint64_t nth) {
    need_failing_allocations();
    memory::fails_in = nth;
  }
  NoMemory(const NoMemory&) = delete;
  ~NoMemory() { memory::fails_in = 0; }

  /// Whether there have been that many.
  bool struck() const noexcept { return memory::fails_in == 0; }
};

/// Runs act() again and again, on this thread: in round n its allocation number n fails. Ends with the first round that needs
/// fewer, after which after(round, failed) is called as after every other. How many rounds failed. `failed`: act() threw
/// std::bad_alloc.
template <class Act, class After>
unsigned each_allocation_fails(Act&& act, After&& after) {
  constexpr unsigned most = 1'000;
  for (unsigned n = 1; n <= most; ++n) {
    bool struck, failed = false;
    {
      NoMemory fault{n};
      try {
        act();
      } catch (const std::bad_alloc&) {
        failed = true;
      }
      struck = fault.struck();
    }
    after(n, failed);
    if (!struck) return n - 1;
  }
  ADD_FAILURE() << "there is no end of allocations";
  return most;
}

/// Takes the address space that former reactors have left, so that the next one needs some of its own. How many there were. Script
/// logs mmap, of which the log is cleared.
inline std::size_t take_spare_ranges(Script& script, std::vector<std::unique_ptr<Slab>>& into) {
  script.clear_log();
  for (std::size_t spare = 0;; ++spare) {
    into.push_back(std::make_unique<Slab>());
    if (!script.log_of(sys::Op::mmap).empty()) return spare;
  }
}

}  // namespace reactorlab::conformance
