#pragma once

#include "harness/engine.hpp"

namespace reactorlab::raw_uring {

/// A foreign thread posts a completion into the loop's ring (MSG_RING), the loop answers.
InProcessReport cross_thread_wake(const InProcessRequest& request);

/// A timeout (IORING_OP_TIMEOUT, absolute) per timer, armed again when it completes.
InProcessReport timer_fire(const InProcessRequest& request);

}  // namespace reactorlab::raw_uring
