#pragma once
// libuv as a Loop: a uv_loop_t, uv_poll_t, uv_timer_t; tasks run in a uv_idle_t, and other threads knock with a uv_async_t.

#include <memory>

#include "harness/adapters/loop.hpp"

namespace reactorlab::adapters {

/// Confined to the calling thread, but for post(): of libuv only uv_async_send may be called from others.
std::unique_ptr<Loop> make_libuv_loop();

/// What libuv opens at its first loop and keeps for the rest of the process.
void prepare_libuv();

}  // namespace reactorlab::adapters
