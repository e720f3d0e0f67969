#pragma once
// For rules about what only rings do.

#include <thread>

#include "core/ring_request.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/ring_requests.hpp"

namespace reactorlab::conformance {

/// co_await: the end of a connection, or its reset, as its peer sees it. On a shared ring the thread that made the request may have
/// to run once more (closes_at_once()). An end that never comes is the watchdog's.
inline Task<> seen_to_end(IRuntime& rt, int peer) {
  for (;;) {
    char byte;
    const ssize_t n = ::recv(peer, &byte, 1, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN)) co_return;
    co_await events_dispatched(rt);
    std::this_thread::yield();
  }
}

/// co_await: until a completion of that kind is being held back.
inline Task<> held_back(IRuntime& rt, const Script& script, RingRequest kind) {
  while (!script.holds(kind)) co_await events_dispatched(rt);
}

}  // namespace reactorlab::conformance

/// Of a body about what sockets do by completion.
#define NEEDS_COMPLETION() \
  if (!completes()) GTEST_SKIP() << "needs completion by a ring"
