#pragma once
// By what this process learns of readiness: what runs, not what was asked for.

#include <optional>

#include "core/backend.hpp"

namespace reactorlab::conformance {

/// Descriptors that are open, as /proc/self/fd has them.
struct Facilities {
  unsigned epolls = 0;
  unsigned rings = 0;

  /// Nothing if that can't be read now (no descriptor is left). Allocates nothing with operator new.
  static std::optional<Facilities> open_now() noexcept;
};

/// Of a runtime that was just made: whether there is what its backend needs, as far as can be seen. Counted for ran_on().
bool really_runs_on(Backend backend) noexcept;

/// How many runtimes really_runs_on() has seen on that backend's facility.
unsigned ran_on(Backend backend) noexcept;

}  // namespace reactorlab::conformance
