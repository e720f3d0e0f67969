#pragma once

#include <fcntl.h>

#include "harness/conformance/real_objects.hpp"

namespace reactorlab::conformance {

/// The same file under a number that nobody else gets after it is closed: the kernel gives out the lowest that is free, and the monitor
/// of quiescence opens files at any moment.
inline Fd at_far_number(const Fd& fd) {
  constexpr int far_above_all = 900;  // below the usual limit of 1,024
  return Fd{checked(::fcntl(fd.get(), F_DUPFD_CLOEXEC, far_above_all), "fcntl")};
}

}  // namespace reactorlab::conformance
