#pragma once
// Boost.Asio as a Loop: an io_context, posix::stream_descriptor::async_wait, steady_timer, and post().

#include <memory>

#include "harness/adapters/loop.hpp"

namespace reactorlab::adapters {

/// For one thread or many: everything is callable from any.
std::unique_ptr<Loop> make_asio_loop();

}  // namespace reactorlab::adapters
