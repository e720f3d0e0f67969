#pragma once
// For rules about what only rings do.

#include "core/ring_request.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/ring_requests.hpp"

namespace reactorlab::conformance {

/// co_await: whether the peer of a connection sees its end, or a reset, within a few turns.
inline Task<bool> sees_the_end(IRuntime& rt, int peer) {
  for (int turn = 0; turn < 1'000; ++turn) {
    char byte;
    const ssize_t n = ::recv(peer, &byte, 1, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN)) co_return true;
    co_await events_dispatched(rt);
  }
  co_return false;
}

/// co_await: until a completion of that kind is being held back.
inline Task<> held_back(IRuntime& rt, const Script& script, RingRequest kind) {
  while (!script.holds(kind)) co_await events_dispatched(rt);
}

}  // namespace reactorlab::conformance

/// Of a body about what a ring does.
#ifndef NEEDS_RING
#define NEEDS_RING() \
  if (kernel_knows_descriptors()) GTEST_SKIP() << "needs a ring"
#endif

/// Of a body about what sockets do by completion.
#define NEEDS_COMPLETION() \
  if (!completes()) GTEST_SKIP() << "needs completion by a ring"
