#pragma once
// A little of everything that a program does with a runtime, to be run while something goes wrong below it.

#include <cstddef>
#include <string>
#include <vector>

#include "core/reactorlab.hpp"

namespace reactorlab::conformance {

/// What became of each part, one line each: `tcp: 1000 bytes came back`, or `tcp: ` and the error that ended it. Without faults the
/// same lines for every runtime, and each time.
using Lines = std::vector<std::string>;

/// Echo over TCP, Unix sockets, UDP and Unix datagrams; a refused connect; a pipe; timers and time-outs; tasks, exceptions,
/// cancels, a channel; wakes by another thread; the end with tasks that still wait. On the thread that may call block_on. Shuts the
/// runtime down. `bytes` per connection. No part expects to be quicker than a timer, so time may be virtual and automatic.
Lines run_broad_scenario(IRuntime& rt, std::size_t bytes = 1'000);

}  // namespace reactorlab::conformance
