#pragma once
// Work that is known: what a positive control adds to an operation, and what the noise gate's canary does.

#include <cstdint>

namespace reactorlab::scenarios {

/// A chain of multiplications, each waiting for the one before. No memory and no system call, so what an iteration costs is a
/// matter of the CPU's clock alone; the compiler can neither shorten nor drop it.
inline void spin(std::uint64_t iterations) noexcept {
  std::uint64_t value = 1;
  for (std::uint64_t i = 0; i < iterations; ++i) {
    value = value * 6364136223846793005U + 1442695040888963407U;
    asm volatile("" : "+r"(value));
  }
}

}  // namespace reactorlab::scenarios
