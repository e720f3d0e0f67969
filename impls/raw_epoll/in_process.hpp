#pragma once

#include "harness/engine.hpp"

namespace reactorlab::raw_epoll {

/// A foreign thread writes an eventfd, the loop answers.
InProcessReport cross_thread_wake(const InProcessRequest& request);

/// An eventfd's registration, from epoll_ctl(ADD) to epoll_ctl(DEL).
InProcessReport reg_churn(const InProcessRequest& request);

}  // namespace reactorlab::raw_epoll
