#pragma once
// What becomes of a ring's requests by the kernel's doing.

#include <cstdint>

namespace reactorlab::conformance {

/// The kernel ends the request of that name, as it may do by itself: a last completion comes (-ECANCELED, or what was done by
/// then). False if there is none: it hasn't reached the kernel yet, or has ended. A ring of one thread: on that thread. `ring` and
/// the token in the name (core/ring_request.hpp) from Script::epoll_of and token_of.
bool end_request(int ring, std::uint64_t user_data);

/// Likewise all requests for that descriptor. How many there were.
unsigned end_requests_of(int ring, int fd);

}  // namespace reactorlab::conformance
