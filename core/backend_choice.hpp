#pragma once
// What `--backend=auto` takes.

#include <string>

#include "core/backend.hpp"

namespace reactorlab {

struct BackendChoice {
  Backend backend;
  /// Why it isn't `uring`, with the remedy; empty if it is.
  std::string fell_back = {};
};

/// The first of `uring`, `uring_poll` and `epoll` that this machine offers to the calling thread. Tries.
BackendChoice best_backend();

}  // namespace reactorlab
