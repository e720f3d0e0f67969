#pragma once
// The memory seam: a test's say in whether there is any. Pools ask here, since they need not ask anybody else; the conformance
// program's operator new asks as well.

#include <cstdint>

#include "core/flavour.hpp"

namespace reactorlab::memory {

#if REACTORLAB_INSTRUMENTED
/// The calling thread's allocation of that number, from 1, fails; 0: none does. Counts down.
inline constinit thread_local std::uint64_t fails_in = 0;
inline bool refused() noexcept { return fails_in != 0 && --fails_in == 0; }
#else
constexpr bool refused() noexcept { return false; }
#endif

}  // namespace reactorlab::memory
