#pragma once
// Every system call of this process that passes the kernel seam of the instrumented flavour, by name, and the futexes that libc's
// syscall(2) carries.

#include <cstdint>
#include <map>
#include <string>

#include "core/sys.hpp"

namespace reactorlab::economy {

/// So far, all threads.
std::uint64_t system_calls();

/// By name; those that were never made aren't there.
using CallsByName = std::map<std::string, std::uint64_t>;
CallsByName system_calls_by_name();

/// What is in `after` beyond `before`.
CallsByName between(const CallsByName& before, const CallsByName& after);

/// Whether futexes are counted: a sanitizer has syscall(2) for itself.
#if !REACTORLAB_SANITIZED && defined(__x86_64__)
inline constexpr bool futexes_are_counted = true;
#else
inline constexpr bool futexes_are_counted = false;
#endif

}  // namespace reactorlab::economy
