#pragma once
// Readiness by io_uring, and, if asked for, completion of what sockets do.

#include <memory>

#include "core/poller.hpp"
#include "core/ring.hpp"

namespace reactorlab {

enum class Completing : std::uint8_t { nothing, sockets };

/// `use`: which threads call add() and the like. Tokens are `slab`'s, which outlives the poller. Throws std::system_error with
/// cause and remedy, std::bad_alloc.
std::unique_ptr<Poller> make_uring_poller(RingUse use, Slab& slab, Completing completing = Completing::nothing,
                                          RingSizes sizes = {});

#if REACTORLAB_INSTRUMENTED
/// Of the rings that make_poller() makes: a test's to change, while nobody makes one.
extern RingSizes sizes_of_new_rings;
#endif

}  // namespace reactorlab
