#pragma once
// How much memory a process holds, for bodies that do the same again and again.

#include <cstddef>

namespace reactorlab::conformance {

struct ProcessMemory {
  std::size_t heap_bytes = 0;     ///< that the allocator has given out
  std::size_t address_bytes = 0;  ///< mapped, with memory behind them or not

  /// Nothing under the sanitizers, which keep what was freed; they look for leaks themselves.
  static ProcessMemory now();
};

}  // namespace reactorlab::conformance
