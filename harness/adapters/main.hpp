#pragma once
// What the programs conformance_<peer> have in common.

#include <string>
#include <vector>

#include "harness/conformance/black_box.hpp"

namespace reactorlab::adapters {

/// The kit on a peer's runtimes, with the deviations that harness/conformance/deviations.txt knows of it. --help says how to run a
/// part of it. Status 0: every body that can be asked passed, or the rule deviates as listed; 1: a body failed, or a listed
/// deviation is none any more; 2 usage; 3 nothing matches; 4 hung; 77: no body can be asked of this peer.
int run_peer(int argc, char** argv, const std::string& peer, const std::vector<conformance::Subject>& subjects);

}  // namespace reactorlab::adapters
