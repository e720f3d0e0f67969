#pragma once

#include "core/error.hpp"

namespace reactorlab::primitives {

/// The result of a system call, or a std::system_error: a trial that doesn't do what it times is worth nothing.
inline long require(long result, const char* call) {
  if (result < 0)
    throw_errno(static_cast<int>(-result), call, "`bench doctor` says what this machine allows (open files: ulimit -n)");
  return result;
}

}  // namespace reactorlab::primitives
