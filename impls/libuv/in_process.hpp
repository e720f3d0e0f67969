#pragma once

#include "harness/engine.hpp"

/// libuv's forms of the workloads inside the process, each on one loop.
namespace reactorlab::libuv_peer {

/// uv_timer_start and uv_timer_stop.
InProcessReport timer_insert_cancel(const InProcessRequest& request);

/// A uv_timer_t each. Their unit is the millisecond: deadlines are rounded up, so that none fires early.
InProcessReport timer_fire(const InProcessRequest& request);

/// A foreign thread calls uv_async_send, the callback answers.
InProcessReport cross_thread_wake(const InProcessRequest& request);

/// Foreign threads fill a queue behind a mutex and call uv_async_send.
InProcessReport post(const InProcessRequest& request);

/// An eventfd's uv_poll_t, from uv_poll_init to the callback of uv_close.
InProcessReport reg_churn(const InProcessRequest& request);

}  // namespace reactorlab::libuv_peer
