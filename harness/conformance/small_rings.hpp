#pragma once
// Rings that are full at once.

#include "core/poller_uring.hpp"

namespace reactorlab::conformance {

/// While it lives, runtimes are made with rings of these sizes. Before the first runtime(), outside of which there is none.
class SmallRings {
 public:
  explicit SmallRings(RingSizes sizes) noexcept { sizes_of_new_rings = sizes; }
  SmallRings(const SmallRings&) = delete;
  ~SmallRings() { sizes_of_new_rings = {}; }
};

}  // namespace reactorlab::conformance
