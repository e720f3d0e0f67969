#pragma once

#include "harness/engine.hpp"

namespace reactorlab::raw_uring {

/// A foreign thread posts a completion into the loop's ring (MSG_RING), the loop answers.
InProcessReport cross_thread_wake(const InProcessRequest& request);

}  // namespace reactorlab::raw_uring
