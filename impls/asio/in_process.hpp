#pragma once

#include "harness/engine.hpp"

/// Asio's forms of the workloads inside the process, each on one thread that runs one io_context. Contexts that no
/// other thread touches have no locks (BOOST_ASIO_CONCURRENCY_HINT_UNSAFE); those that foreign threads post to lock
/// their queue and nothing else (..._UNSAFE_IO).
namespace reactorlab::asio_peer {

/// co_spawn(use_awaitable) inside a coroutine, awaited.
InProcessReport spawn_join(const InProcessRequest& request);

/// Handlers that post themselves again.
InProcessReport yield(const InProcessRequest& request);

/// A steady_timer's expires_at, async_wait and cancel; over when the cancelled handler has run.
InProcessReport timer_insert_cancel(const InProcessRequest& request);

/// A steady_timer each.
InProcessReport timer_fire(const InProcessRequest& request);

/// A foreign thread posts a handler, which answers.
InProcessReport cross_thread_wake(const InProcessRequest& request);

/// Foreign threads post handlers.
InProcessReport post(const InProcessRequest& request);

/// An eventfd's stream_descriptor, from its constructor to close().
InProcessReport reg_churn(const InProcessRequest& request);

}  // namespace reactorlab::asio_peer
