#pragma once
// Readiness by io_uring. No home offers it yet: it is tested by itself.

#include <memory>

#include "core/poller.hpp"
#include "core/ring.hpp"

namespace reactorlab {

/// `use`: which threads call add() and the like. Tokens are `slab`'s, which outlives the poller. Throws std::system_error with cause
/// and remedy, std::bad_alloc.
std::unique_ptr<Poller> make_uring_poller(RingUse use, const Slab& slab, RingSizes sizes = {});

}  // namespace reactorlab
