#pragma once
// How many there are in the rules of scale. Sanitizers make each thing several times larger and slower; what the rules are about
// shows with fewer, too.

#include <sys/resource.h>

#include <algorithm>
#include <cstddef>

#include "core/flavour.hpp"

namespace reactorlab::conformance {

inline constexpr std::size_t many_connections = sanitized ? 1'000 : 10'000;
inline constexpr std::size_t enough_connections = sanitized ? 1'000 : 4'000;  // where the limit of open files allows no more
inline constexpr std::size_t many_timers = sanitized ? 100'000 : 1'000'000;
inline constexpr std::size_t many_tasks = sanitized ? 50'000 : 1'000'000;
inline constexpr std::size_t many_idle_sources = sanitized ? 2'000 : 10'000;

/// At most `wanted`, and as many as the limit of open files leaves if each takes that many descriptors.
inline std::size_t as_many_as_allowed(std::size_t wanted, std::size_t descriptors_each) {
  constexpr std::size_t of_the_rest = 1'500;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);  // prepare_process() has raised it
  return std::min(wanted, (std::max<std::size_t>(limit.rlim_cur, of_the_rest) - of_the_rest) / descriptors_each);
}

}  // namespace reactorlab::conformance
